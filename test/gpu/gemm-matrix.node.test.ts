import { expect, test } from "vitest";
import { gamma } from "../../src/core/float32.ts";
import type { Matrix } from "../../src/core/matrix.ts";
import { prepareGemm } from "../../src/kernels/gemm/gemm.ts";
import type { GemmShape } from "../../src/kernels/gemm/gemm-family.ts";
import type { GemmOptions } from "../../src/kernels/gemm/gemm-options.ts";
import { type GemmPlan, planGemm } from "../../src/kernels/gemm/gemm-plan.ts";
import { fromHalves, toHalves } from "../../src/kernels/halves/halves.ts";
import { extentBytes, type StoredMatrix } from "../../src/kernels/tiling.ts";
import { download, upload, withoutValidationError } from "../support/buffers.ts";
import { describeGpu } from "../support/gpu.ts";
import { limitsOf } from "../support/limits.ts";
import {
  multiplyMagnitudes64,
  multiplyReference64,
  randomMatrix,
  transposed,
  withRowStride,
} from "../support/matrices.ts";
import { emulatingMatrices, type MatrixSides, matrixDevice } from "../support/subgroup-matrix.ts";

// No software driver has subgroup matrices, so here they are emulated; gemm-matrix-compile.node.test.ts
// compiles the real ones.
describeGpu("gemm on subgroup matrices, emulated", (real) => {
  const device = emulatingMatrices(real);
  const square = { M: 8, N: 8, K: 8 };
  const planFor = (sides: MatrixSides = square, changes: Parameters<typeof limitsOf>[1] = {}) =>
    matrixDevice(
      {
        ...limitsOf(real, changes).limits,
        maxComputeInvocationsPerWorkgroup: 64,
        maxComputeWorkgroupStorageSize: real.limits.maxComputeWorkgroupStorageSize,
      },
      { matrices: [sides], lanes: 1 },
    );
  const run = (shape: GemmShape, options: GemmOptions, on = planFor()) =>
    deviation(device, planGemm(shape, on, { family: "matrix", config: SMALL, ...options }));

  for (const precision of ["f16", "f32-split"] as const) {
    test.each([
      { m: 1, k: 1, n: 1 },
      { m: 33, k: 17, n: 31 },
      { m: 64, k: 24, n: 40 },
    ])(`${precision} multiplies $m×$k×$n within its bound`, async (shape) => {
      expect(await run(shape, { precision })).toBeLessThanOrEqual(1);
    });

    test(`${precision} multiplies octets, whatever is transposed`, async () => {
      for (const transposeA of [false, true]) {
        const options = { precision, transposeA, transposeB: !transposeA };
        expect(await run({ m: 40, k: 24, n: 64 }, options)).toBeLessThanOrEqual(1);
      }
    });

    test.each([
      { transposeA: true, strides: { a: 48, b: 56, c: 60 } },
      { offsets: { a: 8, b: 72, c: 132 } },
      { strides: { a: 41, b: 43, c: 45 }, offsets: { a: 1, b: 3, c: 5 } },
      {
        transposeA: true,
        transposeB: true,
        accumulate: true,
        strides: { a: 39, b: 43, c: 37 },
        offsets: { a: 5, b: 6, c: 7 },
      },
      { batch: { count: 2, strides: { a: 0, b: 1600, c: 1411 } }, accumulate: true },
    ])(`${precision} multiplies with %j`, async (options) => {
      const shape = { m: 37, k: 40, n: 35 };
      expect(await run(shape, { precision, ...options })).toBeLessThanOrEqual(1);
    });

    test(`${precision} sums slices of k side by side, and parts of it one after the other`, async () => {
      const shape = { m: 20, k: 150, n: 24 };
      const config = { ...SMALL, splits: 3 };
      expect(await run(shape, { precision, config })).toBeLessThanOrEqual(1);
      const options = { precision, maxFlopsPerPass: 40_000, accumulate: true };
      expect(await run(shape, options)).toBeLessThanOrEqual(1);
    });

    test(`${precision} works in windows of 16 KiB`, async () => {
      const on = planFor(square, { maxStorageBufferBindingSize: 2 ** 14 });
      const shape = { m: 100, k: 90, n: 110 };
      const plan = planGemm(shape, on, { family: "matrix", config: SMALL, precision });
      expect(plan.tiles.length).toBeGreaterThan(1);
      expect(await run(shape, { precision }, on)).toBeLessThanOrEqual(1);
    });

    test(`${precision} gives the same with the tiles recorded one by one`, async () => {
      const plan = planGemm({ m: 40, k: 40, n: 40 }, planFor(), {
        family: "matrix",
        config: SMALL,
        precision,
        maxFlopsPerPass: 1,
      });
      expect(plan.tiles.length).toBeGreaterThan(3);
      expect(await deviation(device, plan, { oneByOne: true })).toBeLessThanOrEqual(1);
    });
  }

  // A software driver takes half a minute to compile one of these: one large one, and one of other sides.
  test("f16 multiplies with large tiles in two stages", async () => {
    const config = {
      SUBGROUPS_M: 1,
      SUBGROUPS_N: 2,
      ROWS: 4,
      COLS: 4,
      STEPS: 1,
      STAGES: 2,
      SWIZZLE: 4,
    };
    const shape = { m: 75, k: 56, n: 70 };
    expect(await run(shape, { precision: "f16", config })).toBeLessThanOrEqual(1);
  });

  test("f32-split multiplies with matrices that are no cubes", async () => {
    const options = { precision: "f32-split", transposeA: true, transposeB: true } as const;
    const on = planFor({ M: 8, N: 8, K: 16 });
    expect(await run({ m: 40, k: 35, n: 41 }, options, on)).toBeLessThanOrEqual(1);
  });

  test("f32-split keeps its bound where rows and columns differ by many orders", async () => {
    for (const transpose of [false, true]) {
      const shape = { m: 37, k: 50, n: 35 };
      const options = { precision: "f32-split", family: "matrix", config: SMALL } as const;
      const flipped = { ...options, transposeA: transpose, transposeB: !transpose };
      const plan = planGemm(shape, planFor(), flipped);
      const magnitudes = { row: [1, 2 ** 60, 2 ** -60, 0], column: [2 ** -20, 1, 2 ** 50] };
      expect(await deviation(device, plan, { magnitudes })).toBeLessThanOrEqual(1);
      const subnormal = { row: [2 ** -130, 2 ** -149, 1], column: [2 ** 100] };
      expect(await deviation(device, plan, { magnitudes: subnormal })).toBeLessThanOrEqual(1);
    }
  });

  test("f32-split begins a new sum at every chunk", async () => {
    const config = { ...SMALL, CHUNK: 256 };
    const plan = planGemm({ m: 5, k: 600, n: 6 }, planFor(), {
      family: "matrix",
      precision: "f32-split",
      config: { ...config, splits: 1 },
    });
    expect(plan.tiles.map((tile) => tile.k.count)).toEqual([208, 208, 184]);
    expect(await deviation(device, plan)).toBeLessThanOrEqual(1);
  });

  test("f32-split makes NaN of a row and a column that are not finite, and of nothing else", async () => {
    const shape = { m: 20, k: 10, n: 18 };
    const options = { precision: "f32-split", family: "matrix", config: SMALL } as const;
    const plan = planGemm(shape, planFor(), options);
    const a = randomMatrix(shape.m, shape.k, "a");
    const b = randomMatrix(shape.k, shape.n, "b");
    a.data[3 * shape.k + 4] = Number.POSITIVE_INFINITY;
    a.data[11 * shape.k] = Number.NaN;
    b.data[6 * shape.n + 15] = Number.NEGATIVE_INFINITY;
    const before = randomMatrix(shape.m, shape.n, "c");
    const c = await multiply(device, plan, { a: [a], b: [b], c: [before] });
    const expected = Array.from({ length: shape.m * shape.n }, (_, at) => {
      const row = Math.floor(at / shape.n);
      return row === 3 || row === 11 || at % shape.n === 15;
    });
    expect(Array.from(c[0]!.data, Number.isNaN)).toEqual(expected);
  });

  test("f32-split overflows where float32 does", async () => {
    const options = { precision: "f32-split", family: "matrix", config: SMALL } as const;
    const plan = planGemm({ m: 1, k: 2, n: 1 }, planFor(), options);
    const row = (...data: number[]) => ({
      rows: 1,
      cols: 2,
      rowStride: 2,
      data: Float32Array.from(data),
    });
    const product = async (a: Matrix, b: Matrix) => {
      const operands = { a: [a], b: [transposed(b)], c: [randomMatrix(1, 1, "c")] };
      return (await multiply(device, plan, operands))[0]!.data[0]!;
    };
    expect(await product(row(2e19, 2e19), row(2e19, 2e19))).toBe(Number.POSITIVE_INFINITY);
    expect(await product(row(-(2 ** 126), 2 ** 126), row(1, 2))).toBe(2 ** 126);
    expect(await product(row(2 ** -100, 0), row(2 ** 90, 2 ** 100))).toBe(2 ** -10);
  });
});

const SMALL = { SUBGROUPS_M: 2, SUBGROUPS_N: 2, ROWS: 2, COLS: 2, STEPS: 2, STAGES: 1 };

interface Operands {
  readonly a: readonly Matrix[];
  readonly b: readonly Matrix[];
  readonly c: readonly Matrix[];
}

/** How far random products are off, as a multiple of the plan's bound: 1 and less keeps to it. */
async function deviation(
  device: GPUDevice,
  plan: GemmPlan,
  options: {
    readonly magnitudes?: { readonly row: number[]; readonly column: number[] };
    readonly oneByOne?: boolean;
  } = {},
): Promise<number> {
  const { m, k, n } = plan.shape;
  const { magnitudes = { row: [1], column: [1] }, oneByOne = false } = options;
  const items = (name: "a" | "b" | "c", rows: number, cols: number) =>
    Array.from({ length: plan[name].batch?.stride === 0 ? 1 : plan.products }, (_, item) => {
      const matrix = randomMatrix(rows, cols, name, item, JSON.stringify(plan.shape));
      return plan.precision === "f16" && name !== "c" ? rounded(matrix) : matrix;
    });
  const operands = { a: items("a", m, k), b: items("b", k, n), c: items("c", m, n) };
  for (const { data } of operands.a) {
    data.forEach((x, at) => {
      data[at] = x * magnitudes.row[Math.floor(at / k) % magnitudes.row.length]!;
    });
  }
  for (const { data } of operands.b) {
    data.forEach((x, at) => {
      data[at] = x * magnitudes.column[(at % n) % magnitudes.column.length]!;
    });
  }
  const products = await multiply(device, plan, operands, oneByOne);
  const worst = products.map((product, item) => {
    const a = operands.a[item] ?? operands.a[0]!;
    const b = operands.b[item] ?? operands.b[0]!;
    const before = operands.c[item]!;
    const exact = multiplyReference64(a, b);
    const scale = multiplyMagnitudes64(a, b);
    const largest = { row: maxima(a, "row"), column: maxima(b, "column") };
    const ratios = Array.from(product.data, (value, at) => {
      const added = plan.accumulate ? before.data[at]! : 0;
      const factor = gamma(plan.roundings + Number(plan.accumulate));
      const extra =
        plan.precision === "f32-split"
          ? k * 2 ** -36 * largest.row[Math.floor(at / n)]! * largest.column[at % n]!
          : 0;
      const bound = factor * (scale.data[at]! + Math.abs(added)) + extra;
      const error = Math.abs(value - exact.data[at]! - added);
      return error === 0 ? 0 : error / bound;
    });
    return ratios.reduce((most, ratio) => (ratio <= most ? most : ratio), 0);
  });
  return Math.max(...worst);
}

/** Runs a plan; NaN stands between and around all that it may read, and C must keep it. */
async function multiply(
  device: GPUDevice,
  plan: GemmPlan,
  operands: Operands,
  oneByOne = false,
): Promise<Matrix[]> {
  const halves = plan.precision === "f16";
  const stored = {
    a: operands.a.map((item) => (plan.transposeA ? transposed(item) : item)),
    b: operands.b.map((item) => (plan.transposeB ? transposed(item) : item)),
  };
  const buffers = {
    a: upload(device, laid(stored.a, plan.a, halves)),
    b: upload(device, laid(stored.b, plan.b, halves)),
    c: upload(device, laid(operands.c, plan.c, false)),
  };
  const filled = await withoutValidationError(device, async () => {
    using gemm = await prepareGemm(device, plan);
    const encoder = device.createCommandEncoder();
    if (oneByOne) plan.tiles.forEach((_, tile) => void gemm.recordTile(encoder, buffers, tile));
    else gemm.record(encoder, buffers);
    device.queue.submit([encoder.finish()]);
    return download(device, buffers.c);
  });
  for (const buffer of Object.values(buffers)) buffer.destroy();

  const { rows, cols, rowStride, offset, batch } = plan.c;
  const outside = filled.slice();
  const products = operands.c.map((_, item) => {
    const data = new Float32Array(rows * cols);
    for (let row = 0; row < rows; row++) {
      const at = offset + item * (batch?.stride ?? 0) + row * rowStride;
      data.set(filled.subarray(at, at + cols), row * cols);
      outside.fill(Number.NaN, at, at + cols);
    }
    return { rows, cols, rowStride: cols, data };
  });
  expect(outside.every(Number.isNaN)).toBe(true);
  return products;
}

/** A buffer's elements: matrices as `layout` says, NaN everywhere else. Halves are packed in words. */
function laid(items: readonly Matrix[], layout: StoredMatrix, halves: boolean): Float32Array {
  const count = extentBytes({ ...layout, elementBytes: 4 }) / 4;
  const elements = new Float32Array(count + 6).fill(Number.NaN);
  for (const [i, item] of items.entries()) {
    const at = layout.offset + i * (layout.batch?.stride ?? 0);
    for (let row = 0; row < item.rows; row++) {
      const { data } = withRowStride(item, item.cols);
      const line = data.subarray(row * item.cols, (row + 1) * item.cols);
      elements.set(line, at + row * layout.rowStride);
    }
  }
  if (!halves) return elements;
  const even = new Float32Array(Math.ceil(elements.length / 2) * 2);
  even.set(elements);
  return new Float32Array(toHalves(even).buffer);
}

function rounded(matrix: Matrix): Matrix {
  return { ...matrix, data: fromHalves(toHalves(matrix.data)) };
}

function maxima({ rows, cols, data }: Matrix, of: "row" | "column"): Float64Array {
  const found = new Float64Array(of === "row" ? rows : cols);
  data.forEach((x, at) => {
    const line = of === "row" ? Math.floor(at / cols) : at % cols;
    found[line] = Math.max(found[line]!, Math.abs(x));
  });
  return found;
}
