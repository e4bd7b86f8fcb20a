import { DeviceLimitError } from "../core/errors.ts";
import { isContiguous, type Matrix, viewOf, zeros } from "../core/matrix.ts";
import type { BufferPool } from "../kernels/buffer-pool.ts";
import { raceWithLoss } from "../kernels/device/device-loss.ts";
import { prepareGemm } from "../kernels/gemm/gemm.ts";
import { planGemm } from "../kernels/gemm/gemm-plan.ts";
import type { GemmTile } from "../kernels/gemm/gemm-tiles.ts";
import { BufferUsage, MAP_READ_MODE } from "../kernels/gpu-constants.ts";
import type { Span } from "../kernels/tiling.ts";
import type { GemmTuning } from "../kernels/tuning/tuning.ts";
import type { OpenGpu } from "./gpu-lease.ts";
import { panelBytes, planGpuPanels } from "./gpu-panels.ts";
import { Submits } from "./gpu-submits.ts";
import { type GemmShape, packedCopy } from "./operands.ts";

export interface GpuGemmOptions {
  readonly signal: AbortSignal;
  /** Called when memory is there and the work begins. */
  readonly onStarted: () => void;
  /** The most that panels may take on the device. */
  readonly budgetBytes: number;
}

/** Below this, smaller panels would not help a device that refuses memory. */
const LEAST_BUDGET_BYTES = 4 * 2 ** 20;

/** The buffers of one panel after another. */
interface PanelBuffers {
  readonly a: GPUBuffer;
  readonly b: GPUBuffer;
  readonly c: GPUBuffer;
  readonly staging: GPUBuffer;
}

/**
 * C (m·n, contiguous, new memory) = A·B on a device: uploaded, multiplied and read back in panels that
 * fit its memory, submitted in pieces of about 50 ms. Settles when the device is done with every
 * buffer, so an abort takes effect after at most two such pieces.
 *
 * @throws `options.signal.reason` when it aborts.
 * @throws {DeviceLimitError} when the device has no memory, however small the panels.
 * @throws {DeviceLostError} when the device is lost.
 */
export async function multiplyOnGpu(
  gpu: Omit<OpenGpu, "software">,
  operands: { readonly a: Matrix; readonly b: Matrix },
  options: GpuGemmOptions,
): Promise<Float32Array> {
  let { budgetBytes } = options;
  for (;;) {
    try {
      return await multiplyWithin(gpu, operands, { ...options, budgetBytes });
    } catch (error) {
      // Others use the device's memory, too, and how much of it there is nobody tells beforehand.
      if (!(error instanceof DeviceLimitError) || budgetBytes / 2 < LEAST_BUDGET_BYTES) throw error;
      budgetBytes /= 2;
    }
  }
}

/** Compiles what the first panel of a product of this shape needs, so that its task need not wait. */
export async function compileAhead(
  { device, pace, tuning }: Pick<OpenGpu, "device" | "pace" | "tuning">,
  shape: GemmShape,
  budgetBytes: number,
): Promise<void> {
  const panel = planPanels(device, shape, { budgetBytes, tuned: await tuning });
  const plan = planGemm(panel, device, {
    maxFlopsPerPass: pace.flopsPerSubmit,
    tuned: await tuning,
  });
  const gemm = await prepareGemm(device, plan);
  gemm[Symbol.dispose]();
}

async function multiplyWithin(
  gpu: Omit<OpenGpu, "software">,
  { a, b }: { readonly a: Matrix; readonly b: Matrix },
  { signal, onStarted, budgetBytes }: GpuGemmOptions,
): Promise<Float32Array> {
  const { device, pool, pace } = gpu;
  const shape = { m: a.rows, k: a.cols, n: b.cols };
  const size = planPanels(device, shape, { budgetBytes, tuned: await gpu.tuning });
  const lent: GPUBuffer[] = [];
  try {
    const buffers = await borrow(pool, size, lent);
    await using submits = new Submits(device, pace, signal);
    signal.throwIfAborted();
    onStarted();
    const c = zeros(a.rows, b.cols);
    for (const rows of spans(a.rows, size.m)) {
      for (const cols of spans(b.cols, size.n)) {
        for (const inner of spans(a.cols, size.k)) {
          await runPanel(gpu, submits, buffers, {
            a: part(a, rows, inner),
            b: part(b, inner, cols),
            isFirst: inner.first === 0,
            isLast: inner.first + inner.count === a.cols,
          });
        }
        const target = part(c, rows, cols);
        const mapped = buffers.staging.mapAsync(MAP_READ_MODE, 0, packedBytes(target));
        mapped.catch(() => {}); // the submits tell more of what went wrong
        await submits.complete();
        await raceWithLoss(device, mapped, signal);
        copyOut(buffers.staging, target);
      }
    }
    return c.data;
  } finally {
    for (const buffer of lent) pool.release(buffer);
  }
}

/** The largest panels whose buffers, and what their kernel keeps besides, take no more than the budget. */
function planPanels(
  device: GPUDevice,
  shape: GemmShape,
  { budgetBytes, tuned }: { readonly budgetBytes: number; readonly tuned: GemmTuning | undefined },
): GemmShape {
  const { maxBufferSize } = device.limits;
  const size = planGpuPanels(shape, { maxBufferSize, budgetBytes });
  const { a, b, c } = panelBytes(size);
  const { scratchBytes, copies } = planGemm(size, device, { tuned });
  const kept = scratchBytes + (copies?.a?.sizeBytes ?? 0) + (copies?.b?.sizeBytes ?? 0);
  const panels = a + b + 2 * c;
  if (panels + kept <= budgetBytes) return size;
  const share = Math.floor((budgetBytes * panels) / (panels + kept));
  return planGpuPanels(shape, { maxBufferSize, budgetBytes: share });
}

/** Lends buffers for panels of up to the given size. All that were lent are in `lent`, always. */
async function borrow(pool: BufferPool, size: GemmShape, lent: GPUBuffer[]): Promise<PanelBuffers> {
  const bytes = panelBytes(size);
  const one = async (sizeBytes: number, usage: GPUBufferUsageFlags, label: string) => {
    const buffer = await pool.acquire(sizeBytes, usage, label);
    lent.push(buffer);
    return buffer;
  };
  const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = BufferUsage;
  return {
    a: await one(bytes.a, STORAGE | COPY_DST, "gemm a"),
    b: await one(bytes.b, STORAGE | COPY_DST, "gemm b"),
    c: await one(bytes.c, STORAGE | COPY_SRC, "gemm c"),
    staging: await one(bytes.c, MAP_READ | COPY_DST, "gemm read-back"),
  };
}

/**
 * Uploads one panel and submits its product, tiles in pieces of one submit each. C = A·B in the
 * first panel along the inner dimension, C += A·B afterwards; the last one also copies C out.
 */
async function runPanel(
  { device, pace, tuning }: Pick<OpenGpu, "device" | "pace" | "tuning">,
  submits: Submits,
  buffers: PanelBuffers,
  panel: {
    readonly a: Matrix;
    readonly b: Matrix;
    readonly isFirst: boolean;
    readonly isLast: boolean;
  },
): Promise<void> {
  const { a, b, isFirst, isLast } = panel;
  const shape = { m: a.rows, k: a.cols, n: b.cols };
  const plan = planGemm(shape, device, {
    accumulate: !isFirst,
    maxFlopsPerPass: pace.flopsPerSubmit,
    tuned: await tuning,
  });
  // What is not compiled yet is compiled while the operands go up.
  const compiling = prepareGemm(device, plan);
  compiling.catch(() => {}); // heard of below, unless the upload fails first
  await submits.upload(() => {
    upload(device, buffers.a, a);
    upload(device, buffers.b, b);
  });
  using gemm = await compiling;
  const pieces = piecesOf(plan.tiles, pace.flopsPerSubmit);
  for (const [i, piece] of pieces.entries()) {
    await submits.add(piece.flops, (encoder) => {
      for (const tile of piece.tiles) gemm.recordTile(encoder, buffers, tile);
      if (isLast && i === pieces.length - 1) {
        encoder.copyBufferToBuffer(buffers.c, 0, buffers.staging, 0, panelBytes(shape).c);
      }
    });
  }
}

/** The tiles of one submit, and what they cost. */
interface Piece {
  readonly tiles: number[];
  flops: number;
}

/** Puts consecutive tiles together as long as they do not exceed `flopsPerSubmit`. */
function piecesOf(tiles: readonly GemmTile[], flopsPerSubmit: number): readonly Piece[] {
  const pieces: Piece[] = [];
  for (const [index, { m, k, n }] of tiles.entries()) {
    const flops = 2 * m.count * k.count * n.count;
    const last = pieces.at(-1);
    if (last && last.flops + flops <= flopsPerSubmit) {
      last.tiles.push(index);
      last.flops += flops;
    } else {
      pieces.push({ tiles: [index], flops });
    }
  }
  return pieces;
}

function upload(device: GPUDevice, buffer: GPUBuffer, source: Matrix): void {
  const { rows, cols, data } = source;
  const packed = isContiguous(source) ? data : packedCopy(source);
  device.queue.writeBuffer(buffer, 0, packed as Float32Array<ArrayBuffer>, 0, rows * cols);
}

/** Copies a mapped panel of C, packed, to its place. */
function copyOut(staging: GPUBuffer, to: Matrix): void {
  const { rows, cols, rowStride, data } = to;
  const made = new Float32Array(staging.getMappedRange(0, packedBytes(to)));
  for (let row = 0; row < rows; row++) {
    data.set(made.subarray(row * cols, (row + 1) * cols), row * rowStride);
  }
  staging.unmap();
}

function packedBytes({ rows, cols }: Matrix): number {
  return rows * cols * Float32Array.BYTES_PER_ELEMENT;
}

function part(whole: Matrix, rows: Span, cols: Span): Matrix {
  return viewOf(whole, { row: rows.first, rows: rows.count, col: cols.first, cols: cols.count });
}

/** Cuts 0 … total-1 into spans of `length`, the last one shorter. */
function spans(total: number, length: number): Span[] {
  return Array.from({ length: Math.ceil(total / length) }, (_, i) => ({
    first: i * length,
    count: Math.min(length, total - i * length),
  }));
}
