import type { BlockCombination, Code } from "../../src/index.ts";
import {
  extentBytes,
  planCombine,
  planGemm,
  prepareCombine,
  prepareGemm,
} from "../../src/kernels/index.ts";
import { seconds } from "../measure.ts";
import type { Operands } from "../peers/contender.ts";
import { download } from "./combine.ts";

interface StageTimes {
  readonly encodeSeconds: number;
  readonly transferSeconds: number;
  readonly computeSeconds: number;
  readonly decodeSeconds: number;
  readonly otherSeconds: number;
}

export interface CodedStages extends Disposable {
  run(): Promise<{ readonly split: StageTimes; readonly product: Float32Array }>;
}

/**
 * One coded product on one device, a stage after the other: upload of the blocks, encoding of *all* N
 * tasks, the products of the first tasks that suffice, decoding, download. Transfer counts the copies
 * between host matrices and stacked blocks, too.
 */
export async function codedStages(
  device: GPUDevice,
  code: Code,
  { m, k, n, a, b }: Operands,
): Promise<CodedStages> {
  const { partition, encodePlan } = code;
  const needed = Number.isFinite(code.recoveryThreshold) ? code.recoveryThreshold : code.tasks;
  const decode = code.decodePlan(new Set(Array.from({ length: needed }, (_, i) => i)));
  const block = {
    m: Math.ceil(m / partition.m),
    k: Math.ceil(k / partition.k),
    n: Math.ceil(n / partition.n),
  };
  const grids = {
    a: { rows: partition.m, cols: partition.k, block: { rows: block.m, cols: block.k } },
    b: { rows: partition.k, cols: partition.n, block: { rows: block.k, cols: block.n } },
    c: { rows: partition.m, cols: partition.n, block: { rows: block.m, cols: block.n } },
  };
  const combineOf = async (table: BlockCombination, grid: Grid) =>
    await prepareCombine(device, planCombine(table, grid.block, device));
  // Rows that are one whole block each are no arithmetic: products read the blocks themselves.
  const picks = { a: picksOf(encodePlan.a), b: picksOf(encodePlan.b) };
  const encodeA = await combineOf(encodePlan.a, grids.a);
  const encodeB = await combineOf(encodePlan.b, grids.b);
  const decodeC = await combineOf(decode.c, grids.c);

  const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
  const usage = STORAGE | COPY_DST | COPY_SRC;
  const create = (plan: Parameters<typeof extentBytes>[0]) =>
    device.createBuffer({ size: extentBytes(plan), usage });
  const blocks = { a: create(encodeA.plan.inputs), b: create(encodeB.plan.inputs) };
  const coded = { a: create(encodeA.plan.outputs), b: create(encodeB.plan.outputs) };
  const products = create(decodeC.plan.inputs);
  const decoded = create(decodeC.plan.outputs);
  const gemms = await Promise.all(
    decode.tasks.map((task, s) => {
      const offsets = {
        a: (picks.a?.[task] ?? task) * encodeA.plan.blockStrideElements,
        b: (picks.b?.[task] ?? task) * encodeB.plan.blockStrideElements,
        c: s * decodeC.plan.blockStrideElements,
      };
      return prepareGemm(device, planGemm(block, device, { offsets }));
    }),
  );
  const stage = (record: (encoder: GPUCommandEncoder) => void) =>
    seconds(async () => {
      const encoder = device.createCommandEncoder();
      record(encoder);
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
    });

  return {
    async run() {
      const began = performance.now();
      const upload = await seconds(async () => {
        const stackOf = (data: Float32Array, cols: number, grid: Grid, stride: number) =>
          stack({ data, cols, rows: data.length / cols }, grid, stride);
        device.queue.writeBuffer(
          blocks.a,
          0,
          stackOf(a, k, grids.a, encodeA.plan.blockStrideElements),
        );
        device.queue.writeBuffer(
          blocks.b,
          0,
          stackOf(b, n, grids.b, encodeB.plan.blockStrideElements),
        );
        await device.queue.onSubmittedWorkDone();
      });
      const encodeSeconds = await stage((encoder) => {
        if (!picks.a) encodeA.record(encoder, { inputs: blocks.a, outputs: coded.a });
        if (!picks.b) encodeB.record(encoder, { inputs: blocks.b, outputs: coded.b });
      });
      const computeSeconds = await stage((encoder) => {
        for (const gemm of gemms) {
          const [left, right] = [picks.a ? blocks.a : coded.a, picks.b ? blocks.b : coded.b];
          gemm.record(encoder, { a: left, b: right, c: products });
        }
      });
      const decodeSeconds = await stage((encoder) => {
        decodeC.record(encoder, { inputs: products, outputs: decoded });
      });
      let product = new Float32Array();
      const fetched = await seconds(async () => {
        const stacked = await download(device, decoded);
        product = unstack(stacked, { rows: m, cols: n }, grids.c, decodeC.plan.blockStrideElements);
      });
      const transferSeconds = upload + fetched;
      const whole = (performance.now() - began) / 1000;
      const accounted = encodeSeconds + transferSeconds + computeSeconds + decodeSeconds;
      const otherSeconds = Math.max(0, whole - accounted);
      return {
        product,
        split: { encodeSeconds, transferSeconds, computeSeconds, decodeSeconds, otherSeconds },
      };
    },
    [Symbol.dispose]() {
      for (const prepared of [encodeA, encodeB, decodeC, ...gemms]) prepared[Symbol.dispose]();
      for (const buffer of [...Object.values(blocks), ...Object.values(coded), products, decoded]) {
        buffer.destroy();
      }
    },
  };
}

/** The block that each row of a table is, where every row is one whole block. */
function picksOf({ rows, cols, weights }: BlockCombination): number[] | undefined {
  const picks = Array.from({ length: rows }, (_, row) => {
    const line = weights.subarray(row * cols, (row + 1) * cols);
    const pick = line.indexOf(1);
    return line.every((weight, col) => weight === Number(col === pick)) ? pick : -1;
  });
  return picks.includes(-1) ? undefined : picks;
}

/** rows×cols blocks of one shape. */
interface Grid {
  readonly rows: number;
  readonly cols: number;
  readonly block: { readonly rows: number; readonly cols: number };
}

/** A matrix cut into blocks, one after the other, `stride` elements apart, filled up with zeros. */
function stack(
  matrix: { readonly data: Float32Array; readonly rows: number; readonly cols: number },
  grid: Grid,
  stride: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(grid.rows * grid.cols * stride);
  eachPiece(matrix, grid, stride, (inMatrix, inStack, length) => {
    out.set(matrix.data.subarray(inMatrix, inMatrix + length), inStack);
  });
  return out;
}

function unstack(
  stacked: Float32Array,
  { rows, cols }: { readonly rows: number; readonly cols: number },
  grid: Grid,
  stride: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(rows * cols);
  eachPiece({ rows, cols }, grid, stride, (inMatrix, inStack, length) => {
    out.set(stacked.subarray(inStack, inStack + length), inMatrix);
  });
  return out;
}

/** The part of each row of the matrix that lies in each block. */
function eachPiece(
  { rows, cols }: { readonly rows: number; readonly cols: number },
  grid: Grid,
  stride: number,
  visit: (inMatrix: number, inStack: number, length: number) => void,
): void {
  for (let row = 0; row < rows; row++) {
    const blockRow = Math.floor(row / grid.block.rows);
    for (let blockCol = 0; blockCol < grid.cols; blockCol++) {
      const first = blockCol * grid.block.cols;
      const length = Math.min(grid.block.cols, cols - first);
      if (length <= 0) continue;
      const inBlock = (row % grid.block.rows) * grid.block.cols;
      visit(row * cols + first, (blockRow * grid.cols + blockCol) * stride + inBlock, length);
    }
  }
}
