import { expect, test } from "vitest";

import type { BlockShape } from "../../src/core/blocks.ts";
import type { BlockCombination } from "../../src/core/code.ts";
import { ClosedError, InputError, ShapeError } from "../../src/core/errors.ts";
import { gamma } from "../../src/core/float32.ts";
import { seededRandom } from "../../src/core/random.ts";
import { table } from "../../src/core/table.ts";
import { type PreparedCombine, prepareCombine } from "../../src/kernels/combine/combine.ts";
import type { MatrixGrid } from "../../src/kernels/combine/combine-layout.ts";
import {
  type CombineOptions,
  type CombinePlan,
  planCombine,
} from "../../src/kernels/combine/combine-plan.ts";
import { extentBytes, type StoredMatrix } from "../../src/kernels/tiling.ts";
import { download, upload, withoutValidationError } from "../support/buffers.ts";
import { describeGpu } from "../support/gpu.ts";
import { limitsOf } from "../support/limits.ts";
import { randomFloats } from "../support/matrices.ts";

describeGpu("combine", (device) => {
  test.each([
    { rows: 1, cols: 1, block: { rows: 1, cols: 1 } },
    { rows: 3, cols: 2, block: { rows: 1, cols: 5 } },
    { rows: 4, cols: 7, block: { rows: 13, cols: 1 } },
    { rows: 5, cols: 3, block: { rows: 16, cols: 16 } },
    { rows: 32, cols: 8, block: { rows: 9, cols: 31 } },
    { rows: 33, cols: 9, block: { rows: 7, cols: 11 } },
    { rows: 2, cols: 40, block: { rows: 3, cols: 100 } },
    { rows: 100, cols: 40, block: { rows: 17, cols: 19 } },
  ])(
    "applies a $rows×$cols table within γ_{c+1} Σ|w||x|, $block",
    async ({ rows, cols, block }) => {
      const kernels = cols > 16 ? [] : (["few", "many"] as const);
      for (const options of [{}, ...kernels.map((kernel) => ({ kernel }))]) {
        const worst = await deviation(device, randomTable(rows, cols), block, options);
        expect(worst).toBeLessThanOrEqual(1);
      }
    },
  );

  test.each([
    { blockStrideElements: 35 }, // blocks follow each other without padding: f32 path
    { blockStrideElements: 64 },
    { offsets: { inputs: 4, outputs: 132 } },
    { offsets: { inputs: 1, outputs: 70 } },
    { maxOutputsPerPass: 3 },
    { blockStrideElements: 37, offsets: { inputs: 3, outputs: 2 }, maxOutputsPerPass: 1 },
  ])("applies a table with %j", async (options) => {
    const block = { rows: 5, cols: 7 };
    expect(await deviation(device, randomTable(7, 6), block, options)).toBeLessThanOrEqual(1);
  });

  test.each([
    { rows: 40, cols: 20, block: { rows: 1, cols: 1 } }, // the table itself is cut
    { rows: 10, cols: 12, block: { rows: 6, cols: 7 } }, // outputs and inputs are cut
    { rows: 18, cols: 20, block: { rows: 8, cols: 16 } }, // the same, eight floats at a time
    { rows: 3, cols: 4, block: { rows: 17, cols: 30 } }, // each block exceeds a binding
  ])("tiles a $rows×$cols table past bindings of 1 KiB, $block", async ({ rows, cols, block }) => {
    const small = limitsOf(device, { maxStorageBufferBindingSize: 1024 });
    for (const options of [{}, { blockStrideElements: block.rows * block.cols + 1 }]) {
      const worst = await deviation(device, randomTable(rows, cols), block, options, small);
      expect(worst).toBeLessThanOrEqual(1);
    }
  });

  test("tiles past the number of workgroups", async () => {
    const few = limitsOf(device, { maxComputeWorkgroupsPerDimension: 1 });
    const block = { rows: 23, cols: 29 };
    expect(await deviation(device, randomTable(3, 4), block, {}, few)).toBeLessThanOrEqual(1);
  });

  test.each([
    { rows: 3, cols: 6, gridCols: 3, cut: [0, 0], gap: 0 },
    { rows: 3, cols: 6, gridCols: 3, cut: [4, 5], gap: 0 },
    { rows: 9, cols: 4, gridCols: 2, cut: [9, 13], gap: 3 }, // whole blocks are missing
    { rows: 5, cols: 12, gridCols: 1, cut: [8, 4], gap: 4 },
    { rows: 2, cols: 24, gridCols: 4, cut: [1, 2], gap: 1 }, // more inputs than registers
  ])("encodes where the blocks of a matrix lie: %j", async ({ rows, cols, gridCols, cut, gap }) => {
    for (const block of [
      { rows: 5, cols: 8 },
      { rows: 6, cols: 7 },
    ]) {
      const inputs = gridOf(cols, gridCols, block, cut, gap);
      const layout = { inputs, offsets: { inputs: 4, outputs: 8 } };
      const coefficients = randomTable(rows, cols);
      expect(await deviation(device, coefficients, block, layout)).toBeLessThanOrEqual(1);
    }
  });

  test.each([
    { rows: 6, cols: 3, gridCols: 3, cut: [0, 0], gap: 0 },
    { rows: 6, cols: 5, gridCols: 2, cut: [7, 3], gap: 5 },
    { rows: 36, cols: 4, gridCols: 6, cut: [4, 4], gap: 8 },
    { rows: 4, cols: 20, gridCols: 1, cut: [2, 0], gap: 0 },
  ])("decodes to where the blocks of a matrix belong: %j", async (shape) => {
    const { rows, cols, gridCols, cut, gap } = shape;
    for (const block of [
      { rows: 5, cols: 8 },
      { rows: 6, cols: 7 },
    ]) {
      const outputs = gridOf(rows, gridCols, block, cut, gap);
      const coefficients = randomTable(rows, cols);
      expect(await deviation(device, coefficients, block, { outputs })).toBeLessThanOrEqual(1);
      const inputs = gridOf(cols, 1, block, [3, 4], 4);
      const both = { inputs, outputs, offsets: { outputs: 3 } };
      expect(await deviation(device, coefficients, block, both)).toBeLessThanOrEqual(1);
    }
  });

  test("tiles matrices past bindings of 1 KiB", async () => {
    const small = limitsOf(device, { maxStorageBufferBindingSize: 1024 });
    for (const [block, kernel] of [
      [{ rows: 7, cols: 12 }, "few"],
      [{ rows: 7, cols: 12 }, "many"],
      [{ rows: 2, cols: 300 }, "many"],
    ] as const) {
      const inputs = gridOf(6, 3, block, [3, 4], 0);
      const outputs = gridOf(4, 2, block, [1, 8], 4);
      const options = { inputs, outputs, kernel };
      const worst = await deviation(device, randomTable(4, 6), block, options, small);
      expect(worst).toBeLessThanOrEqual(1);
    }
  });

  test.each([
    { rows: 1, cols: 3 },
    { rows: 7, cols: 6 },
    { rows: 33, cols: 5 },
    { rows: 5, cols: 24 },
  ])(
    "applies a Vandermonde table by Horner's rule within its bound: %j",
    async ({ rows, cols }) => {
      const block = { rows: 5, cols: 12 };
      const point = (r: number) => Math.cos((r + 0.4) / rows) * 1.05;
      for (const coefficients of [
        table(rows, cols, (r, c) => point(r) ** c),
        table(rows, cols, (r, c) => point(r) ** (cols - 1 - c) / (r + 3)),
      ]) {
        const options = { kernel: "horner" } as const;
        expect(await deviation(device, coefficients, block, options)).toBeLessThanOrEqual(1);
        const small = limitsOf(device, { maxStorageBufferBindingSize: 1024 });
        expect(await deviation(device, coefficients, block, options, small)).toBeLessThanOrEqual(1);
        const inputs = gridOf(cols, cols % 3 === 0 ? 3 : 1, block, [cols < 6 ? 3 : 7, 0], 4);
        const layout = { ...options, inputs };
        expect(await deviation(device, coefficients, block, layout)).toBeLessThanOrEqual(1);
        expect(await deviation(device, coefficients, block, layout, small)).toBeLessThanOrEqual(1);
      }
    },
  );

  test("takes only Vandermonde tables of the same order for Horner's rule", async () => {
    const block = { rows: 2, cols: 2 };
    const ascending = table(3, 5, (r, c) => (r / 4) ** c);
    const plan = planCombine(ascending, block, device, { kernel: "horner" });
    using combine = await prepareCombine(device, plan);
    expect(() => combine.setTable(randomTable(3, 5))).toThrow(InputError);
    expect(() => combine.setTable(table(3, 5, (r, c) => (r / 4) ** (4 - c)))).toThrow(InputError);
    const next = table(3, 5, (r, c) => 3 * (-r / 5) ** c);
    combine.setTable(next);
    expect(deviationOf(plan, next, await apply(device, combine))).toBeLessThanOrEqual(1);
  });

  test("keeps what lies between the outputs and around them", async () => {
    const block = { rows: 3, cols: 3 };
    const options = { blockStrideElements: 13, offsets: { outputs: 5 } };
    const plan = planCombine(randomTable(4, 2), block, device, options);
    using combine = await prepareCombine(device, plan);
    const { filled } = await apply(device, combine);
    const outside = filled.filter((_, at) => at < 5 || (at - 5) % 13 >= 9);
    expect(outside.length).toBeGreaterThan(10);
    expect(new Set(outside)).toEqual(new Set([Number.NaN]));
  });

  test("pads no block by more than three elements, however many it reads at once", async () => {
    const options = { blockStrideElements: 24 };
    const plan = planCombine(randomTable(3, 20), { rows: 1, cols: 17 }, device, options);
    using combine = await prepareCombine(device, plan);
    const { filled } = await apply(device, combine);
    const gaps = filled.filter((_, at) => at % 24 >= 20);
    expect(gaps.length).toBeGreaterThanOrEqual(8);
    expect(new Set(gaps)).toEqual(new Set([Number.NaN]));
  });

  test("takes another table without being prepared again", async () => {
    const block = { rows: 4, cols: 9 };
    const plan = planCombine(randomTable(5, 3), block, device);
    using combine = await prepareCombine(device, plan);
    const next = randomTable(5, 3, "next");
    expect(deviationOf(plan, plan.table, await apply(device, combine))).toBeLessThanOrEqual(1);
    combine.setTable(next);
    expect(deviationOf(plan, next, await apply(device, combine))).toBeLessThanOrEqual(1);
  });

  test("refuses tables of another size, short buffers and use after disposal", async () => {
    const plan = planCombine(randomTable(2, 2), { rows: 4, cols: 1 }, device);
    const combine = await prepareCombine(device, plan);
    expect(() => combine.setTable(randomTable(2, 3))).toThrow(ShapeError);
    expect(() => combine.setTable(table(2, 2, () => 1e39))).toThrow(InputError);
    const inputs = upload(device, new Float32Array(8));
    const outputs = upload(device, new Float32Array(7));
    const encoder = device.createCommandEncoder();
    expect(() => combine.record(encoder, { inputs, outputs })).toThrow(ShapeError);
    combine[Symbol.dispose]();
    expect(() => combine.record(encoder, { inputs, outputs: inputs })).toThrow(ClosedError);
    expect(() => combine.setTable(plan.table)).toThrow(ClosedError);
  });
});

interface Application {
  /** What the input buffer held. */
  readonly given: Float32Array;
  /** What the output buffer holds afterwards; NaN where nothing was written. */
  readonly filled: Float32Array;
}

/** How far the outputs for fresh random blocks are off, as a multiple of their error bound. */
async function deviation(
  device: GPUDevice,
  coefficients: BlockCombination,
  block: BlockShape,
  options: CombineOptions = {},
  planFor: Parameters<typeof planCombine>[2] = device,
): Promise<number> {
  const plan = planCombine(coefficients, block, planFor, options);
  const application = await withoutValidationError(device, async () => {
    using combine = await prepareCombine(device, plan);
    return apply(device, combine, options);
  });
  return deviationOf(plan, coefficients, application, options);
}

/** Runs a combination on random blocks; all that is no element of a block is NaN. */
async function apply(
  device: GPUDevice,
  combine: PreparedCombine,
  options: CombineOptions = {},
): Promise<Application> {
  const { plan } = combine;
  const given = new Float32Array(extentBytes(plan.inputs) / 4).fill(Number.NaN);
  const values = randomFloats(given.length, "blocks");
  for (const at of places(plan, plan.inputs, options.inputs, plan.table.cols).flat()) {
    if (at !== undefined) given[at] = values[at]!;
  }
  const buffers = {
    inputs: upload(device, given),
    outputs: upload(device, new Float32Array(extentBytes(plan.outputs) / 4 + 3).fill(Number.NaN)),
  };
  const encoder = device.createCommandEncoder();
  combine.record(encoder, buffers);
  device.queue.submit([encoder.finish()]);
  const filled = await download(device, buffers.outputs);
  buffers.inputs.destroy();
  buffers.outputs.destroy();
  return { given, filled };
}

/**
 * The worst element of the outputs, as a multiple of its bound; infinite where anything was written
 * that does not belong to a block of a matrix, or follows it in a stack.
 */
function deviationOf(
  plan: CombinePlan,
  { rows, cols, weights }: BlockCombination,
  { given, filled }: Application,
  options: CombineOptions = {},
): number {
  const from = places(plan, plan.inputs, options.inputs, cols);
  const to = places(plan, plan.outputs, options.outputs, rows);
  const written = new Set(to.flat());
  const stacks = !options.inputs && !options.outputs;
  if (!stacks && filled.some((value, at) => !Number.isNaN(value) && !written.has(at))) {
    return Number.POSITIVE_INFINITY;
  }
  let worst = 0;
  for (let r = 0; r < rows; r++) {
    for (const [e, at] of to[r]!.entries()) {
      if (at === undefined) continue;
      let exact = 0;
      let magnitude = 0;
      for (let c = 0; c < cols; c++) {
        const place = from[c]![e];
        const term = place === undefined ? 0 : weights[r * cols + c]! * given[place]!;
        exact += term;
        magnitude += Math.abs(term);
      }
      const difference = Math.abs(filled[at]! - exact);
      const ratio = difference === 0 ? 0 : difference / (gamma(plan.roundings) * magnitude);
      if (!(ratio <= worst)) worst = ratio;
      if (Number.isNaN(worst)) return worst;
    }
  }
  return worst;
}

/** Where the elements of each block are in their buffer; undefined where a matrix has none. */
function places(
  { block }: CombinePlan,
  stored: StoredMatrix,
  grid: MatrixGrid | undefined,
  count: number,
): (number | undefined)[][] {
  return Array.from({ length: count }, (_, b) =>
    Array.from({ length: block.rows * block.cols }, (_, e) => {
      if (!grid) return stored.offset + b * stored.rowStride + e;
      const row = Math.floor(b / grid.gridCols) * block.rows + Math.floor(e / block.cols);
      const col = (b % grid.gridCols) * block.cols + (e % block.cols);
      return row < grid.rows && col < grid.cols
        ? stored.offset + row * stored.rowStride + col
        : undefined;
    }),
  );
}

/** A matrix of `count` blocks without the last `cut` rows and columns. */
function gridOf(
  count: number,
  gridCols: number,
  block: BlockShape,
  [cutRows = 0, cutCols = 0]: readonly number[],
  gap: number,
): MatrixGrid {
  const rows = (count / gridCols) * block.rows - cutRows;
  const cols = gridCols * block.cols - cutCols;
  return { rows, cols, rowStride: cols + gap, gridCols };
}

function randomTable(rows: number, cols: number, seed = "table"): BlockCombination {
  const random = seededRandom(seed, rows, cols);
  return table(rows, cols, () => 2 * random() - 1);
}
