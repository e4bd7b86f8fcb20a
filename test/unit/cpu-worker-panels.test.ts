import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";

import { matrix } from "../../src/core/matrix.ts";
import { openPanelGemm } from "../../src/workers/panel-gemm.js";
import { addPanel, panelOf, planPanels } from "../../src/workers/panels.js";
import { randomFloats } from "../support/matrices.ts";
import { deviationOf, never, randomTask } from "../support/workers.ts";

const anyShape = fc.record({
  m: fc.integer({ min: 1, max: 5000 }),
  k: fc.integer({ min: 1, max: 5000 }),
  n: fc.integer({ min: 1, max: 5000 }),
});

afterEach(() => vi.restoreAllMocks());

test("panels have sides that vector code likes, and are no larger than a panel may be", () => {
  fc.assert(
    fc.property(anyShape, (shape) => {
      const { m, k, n } = planPanels(shape);
      expect([m % 4, n % 4]).toEqual([0, 0]);
      expect(Math.max(m * k, k * n, m * n)).toBeLessThanOrEqual(640 ** 2);
      expect(m * k * n).toBeLessThanOrEqual(640 ** 3);
      expect(Math.min(m * k, k * n)).toBeGreaterThanOrEqual(128);
    }),
  );
});

test("panels are padded by a 32nd or up to the next multiple of 4", () => {
  fc.assert(
    fc.property(anyShape, (shape) => {
      const panel = planPanels(shape);
      for (const side of ["m", "k", "n"] as const) {
        const parts = Math.ceil(shape[side] / panel[side]);
        const even = Math.ceil(shape[side] / parts);
        if (shape[side] >= 32) {
          expect(panel[side]).toBeLessThanOrEqual(Math.max((33 / 32) * even, even + 3));
        }
      }
    }),
  );
});

test("there are few shapes of panels, so that few kernels are compiled", () => {
  const lengths = new Set<number>();
  for (let m = 1; m <= 5000; m++) lengths.add(planPanels({ m, k: 600, n: 600 }).m);
  expect(lengths.size).toBeLessThanOrEqual(120);
});

test.each([
  { shape: { m: 500, k: 500, n: 500 }, panel: { m: 504, k: 504, n: 504 } },
  { shape: { m: 1024, k: 1024, n: 1024 }, panel: { m: 512, k: 512, n: 512 } },
  { shape: { m: 64, k: 4096, n: 64 }, panel: { m: 64, k: 4096, n: 64 } },
  { shape: { m: 1, k: 1, n: 1 }, panel: { m: 4, k: 32, n: 4 } },
])("$shape is cut into $panel", ({ shape, panel }) => {
  expect(planPanels(shape)).toEqual(panel);
});

test("panels cover a matrix once, with zeros beyond its edge", () => {
  const side = fc.integer({ min: 1, max: 12 });
  fc.assert(
    fc.property(side, side, side, side, (rows, cols, height, width) => {
      const source = matrix(rows, cols, randomFloats(rows * cols, rows, cols));
      const copy = matrix(rows, cols, new Float32Array(rows * cols).fill(Number.NaN));
      let sum = 0;
      for (let row = 0; row < rows; row += height) {
        for (let col = 0; col < cols; col += width) {
          const part = { row, col, rows: height, cols: width };
          const scratch = new Float32Array(height * width + 5).fill(Number.NaN);
          const panel = panelOf(source, part, scratch).subarray(0, height * width);
          for (const element of panel) sum += element;
          addPanel(copy, part, panel, true);
          addPanel(copy, part, panel, false);
        }
      }
      expect(copy.data).toEqual(source.data.map((element) => 2 * element));
      expect(sum).toBeCloseTo(
        source.data.reduce((total, element) => total + element, 0),
        4,
      );
    }),
  );
});

test("hundreds of products of many shapes need no more memory than the first ones", async () => {
  const grow = vi.spyOn(WebAssembly.Memory.prototype, "grow");
  const gemm = await openPanelGemm();
  const shapes = [
    { m: 200, k: 300, n: 250 },
    { m: 1, k: 700, n: 1 },
    { m: 530, k: 20, n: 17 },
    { m: 64, k: 64, n: 64 },
  ];
  const multiplyAll = async () => {
    for (const shape of shapes) {
      const { a, b } = randomTask(shape);
      await gemm.multiply(shape, a.data, b.data, never);
    }
  };
  await multiplyAll();
  const pages = grow.mock.calls.length;
  const kernels = gemm.kernels();
  for (let i = 0; i < 100; i++) await multiplyAll();

  expect(pages).toBeGreaterThan(0); // the spy sees what jax-js allocates
  expect(grow).toHaveBeenCalledTimes(pages);
  expect(gemm.kernels()).toBe(kernels);
});

test("an aborted product gives its memory back", async () => {
  const gemm = await openPanelGemm();
  const shape = { m: 1200, k: 600, n: 600 };
  const { a, b } = randomTask(shape);
  await gemm.multiply(shape, a.data, b.data, never);
  const grow = vi.spyOn(WebAssembly.Memory.prototype, "grow");
  const reason = new Error("enough");
  for (let i = 0; i < 20; i++) {
    const abort = new AbortController();
    const product = gemm.multiply(shape, a.data, b.data, abort.signal);
    abort.abort(reason);
    await expect(product).rejects.toBe(reason);
  }
  expect(grow).not.toHaveBeenCalled();
});

test("operands of equal elements are no constants of a kernel of their own", async () => {
  const compile = vi.spyOn(WebAssembly, "Module");
  const compileAsync = vi.spyOn(WebAssembly, "compile");
  const compiled = () => compile.mock.calls.length + compileAsync.mock.calls.length;
  const gemm = await openPanelGemm();
  const shape = { m: 3, k: 2, n: 300 };
  const { b } = randomTask(shape);
  const multiply = (value: number) =>
    gemm.multiply(shape, new Float32Array(6).fill(value), b.data, never);
  await multiply(0.5);
  const before = compiled();
  for (let i = 1; i <= 20; i++) await multiply(i);
  expect(before).toBeGreaterThan(0);
  expect(compiled()).toBe(before);
});

test("a long inner dimension is summed within its bound", async () => {
  const gemm = await openPanelGemm();
  const shape = { m: 2, k: 100_003, n: 3 };
  const task = randomTask(shape);
  const c = await gemm.multiply(shape, task.a.data, task.b.data, never);
  expect(deviationOf(matrix(2, 3, c), task)).toBeLessThanOrEqual(1);
});
