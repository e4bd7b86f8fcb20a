/**
 * @file The operands of a product of precision "f32-split": every float32 as a pair of halves, scaled by
 * the exponent e of the largest element of its line, x·2^(14-e) ≈ high + low/2^11. The lines of A are
 * the rows that C has, those of B the columns, whatever way round they are stored: so each element of C
 * has one scale.
 */

import { ClosedError } from "../../core/errors.ts";
import { dispatchWith } from "../dispatch.ts";
import { BufferUsage } from "../gpu-constants.ts";
import { bindingOf, requireBuffer } from "../kernel-buffers.ts";
import { compiledPipeline } from "../pipelines.ts";
import { allocated } from "../prepared.ts";
import { lineMaximaWgsl, splitHalvesWgsl } from "../shaders.generated.ts";
import {
  type BindingWindow,
  fitPart,
  type KernelLimits,
  requireStored,
  type StoredMatrix,
  split,
  windowCapacity,
  windowOf,
} from "../tiling.ts";
import { createUniformSlices } from "../uniform-slices.ts";
import { spread } from "./halves-convert.ts";

/** Everything that is decided about splitting one operand. Plain data. */
export interface SplitPlan {
  /** Which lines of the matrix as stored have a scale of their own. */
  readonly by: "rows" | "columns";
  /** The operand as the caller stores it. */
  readonly floats: StoredMatrix;
  /**
   * The pairs: four bytes an element, rows of whole octets. An octet is eight high halves and then their
   * eight low ones.
   */
  readonly halves: StoredMatrix;
  /** Lines of one matrix. */
  readonly lines: number;
  /** Lines from one matrix of the batch to the next: 0 where all products share one. */
  readonly lineStride: number;
  /** Two dispatches each: the maxima of all tiles come before the first pairs. */
  readonly tiles: readonly SplitTile[];
}

/** A part of one matrix. */
export interface SplitTile {
  readonly rows: number;
  readonly cols: number;
  /** Number of its first line among all lines of the batch. */
  readonly line: number;
  readonly floats: BindingWindow;
  readonly halves: BindingWindow;
  /** Workgroups for the maxima and for the pairs. */
  readonly workgroups: {
    readonly maxima: readonly [number, number, number];
    readonly pairs: readonly [number, number, number];
  };
}

/** The pairs of an operand and the maxima of its lines, on the device. */
export interface PreparedSplit extends Disposable {
  readonly plan: SplitPlan;
  /** The pairs; overwritten by every `record`. */
  readonly halves: GPUBuffer;
  /**
   * One u32 a line: the bits of its largest |element|. Those of a line that holds NaN or ±Inf are at
   * least 0x7f800000, and its pairs are all 0.
   */
  readonly maxima: GPUBuffer;
  /**
   * Appends the splitting of `floats` to `encoder`. Nothing runs until the caller submits.
   *
   * @throws {ShapeError} when the buffer is too short.
   * @throws {ClosedError} after disposal.
   */
  record(encoder: GPUCommandEncoder, floats: GPUBuffer): void;
}

const WORKGROUP = 64;

/**
 * Plans the splitting of an operand, `name` being what the caller calls it. Pure.
 *
 * @throws {DeviceLimitError} when the pairs exceed any buffer of the device.
 */
export function planSplit(
  name: string,
  floats: StoredMatrix,
  by: "rows" | "columns",
  limits: KernelLimits,
): SplitPlan {
  const { rows, cols, batch } = floats;
  const rowStride = Math.ceil(cols / 8) * 8;
  // Products that share a matrix share its pairs.
  const count = batch && batch.stride > 0 ? batch.count : 1;
  const halves = {
    rows,
    cols,
    rowStride,
    offset: 0,
    ...(batch ? { batch: { count: batch.count, stride: count > 1 ? rows * rowStride : 0 } } : {}),
  };
  requireStored(`the pairs of ${name}`, { ...halves, cols: rowStride }, limits);

  const most = limits.maxComputeWorkgroupsPerDimension;
  let part = { rows: Math.min(rows, 4 * most), cols: Math.min(cols, 64 * most) };
  part = fitPart(part, floats.rowStride, windowCapacity(limits));
  part = fitPart(part, rowStride, windowCapacity(limits));
  const lines = by === "rows" ? rows : cols;
  const tiles: SplitTile[] = [];
  for (let item = 0; item < count; item++) {
    for (const down of split(rows, part.rows)) {
      for (const across of split(cols, part.cols, 8)) {
        const spans = { rows: down, cols: across, items: { first: item, count: 1 } };
        const octets = down.count * Math.ceil(across.count / 8);
        tiles.push({
          rows: down.count,
          cols: across.count,
          line: item * lines + (by === "rows" ? down.first : across.first),
          floats: windowOf(floats, spans, limits),
          halves: wholeOctets(windowOf(halves, spans, limits)),
          workgroups: {
            maxima:
              by === "rows"
                ? [Math.ceil(across.count / 4096), Math.ceil(down.count / 4), 1]
                : [Math.ceil(across.count / 64), Math.ceil(down.count / 256), 1],
            pairs: spread(Math.ceil(octets / WORKGROUP), most),
          },
        });
      }
    }
  }
  return { by, floats, halves, lines, lineStride: count > 1 ? lines : 0, tiles };
}

/**
 * A window on pairs, to the end of its last octet. It begins at an octet, and so it still fits a
 * binding: of the longest window that does, less than an octet lacks.
 */
export function wholeOctets(window: BindingWindow): BindingWindow {
  return { ...window, sizeBytes: Math.ceil(window.sizeBytes / 32) * 32 };
}

/** Device memory of a prepared split, in bytes. */
export function splitBytes({ halves, lines, lineStride }: SplitPlan): {
  readonly halves: number;
  readonly maxima: number;
} {
  const count = lineStride > 0 ? (halves.batch?.count ?? 1) : 1;
  return { halves: 4 * count * halves.rows * halves.rowStride, maxima: 4 * count * lines };
}

/**
 * Compiles a plan for the device it was made for and allocates `splitBytes` of it. Dispose of the result
 * after the last submit that uses it.
 *
 * @throws {DeviceLimitError} when the device has no memory for it.
 *
 * With y = x·2^(14-e), |y − high − low/2^11| ≤ 2^-23 |y| + 2^-25, and 2^-25 is at most 2^-39 of the
 * largest |y| of the line. No half is subnormal. The same bits on every device.
 */
export async function prepareSplit(device: GPUDevice, plan: SplitPlan): Promise<PreparedSplit> {
  const label = `split ${plan.floats.rows}×${plan.floats.cols} by ${plan.by}`;
  const BY_ROW = Number(plan.by === "rows");
  const [maximaPipeline, pairsPipeline] = await Promise.all([
    compiledPipeline(device, {
      code: lineMaximaWgsl,
      entryPoint: "line_maxima",
      constants: { BY_ROW },
    }),
    compiledPipeline(device, {
      code: splitHalvesWgsl,
      entryPoint: "split_halves",
      constants: { BY_ROW, WORKGROUP },
    }),
  ]);
  const bytes = splitBytes(plan);
  const usage = BufferUsage.STORAGE | BufferUsage.COPY_DST | BufferUsage.COPY_SRC;
  const { made, allocation } = await allocated(device, "pairs of halves", (memory) => ({
    halves: memory.create(device, { label: `${label}: pairs`, size: bytes.halves, usage }),
    maxima: memory.create(device, { label: `${label}: maxima`, size: bytes.maxima, usage }),
    uniforms: {
      maxima: createUniformSlices(device, label, plan.tiles.map(maximaUniforms(plan)), memory),
      pairs: createUniformSlices(device, label, plan.tiles.map(pairsUniforms(plan)), memory),
    },
  }));
  const { halves, maxima, uniforms } = made;
  let closed = false;

  return {
    plan,
    halves,
    maxima,
    record(encoder, floats) {
      if (closed) throw new ClosedError(`${label} has been disposed of`);
      requireBuffer("floats", floats, plan.floats);
      encoder.clearBuffer(maxima);
      const pass = encoder.beginComputePass({ label });
      for (const [i, tile] of plan.tiles.entries()) {
        const source = bindingOf(floats, tile.floats);
        const resources = [uniforms.maxima.at(i), source, { buffer: maxima }];
        const { maxima: workgroups } = tile.workgroups;
        dispatchWith(device, pass, { label, pipeline: maximaPipeline, resources, workgroups });
      }
      for (const [i, tile] of plan.tiles.entries()) {
        const source = bindingOf(floats, tile.floats);
        const target = bindingOf(halves, tile.halves);
        const resources = [uniforms.pairs.at(i), source, { buffer: maxima }, target];
        const { pairs: workgroups } = tile.workgroups;
        dispatchWith(device, pass, { label, pipeline: pairsPipeline, resources, workgroups });
      }
      pass.end();
    },
    [Symbol.dispose]() {
      closed = true;
      allocation[Symbol.dispose]();
    },
  };
}

/** The `Tile` of line_maxima.wgsl. */
function maximaUniforms({ floats }: SplitPlan): (tile: SplitTile) => Uint32Array {
  return (tile) =>
    Uint32Array.of(tile.rows, tile.cols, tile.floats.base, floats.rowStride, tile.line);
}

/** The `Tile` of split_halves.wgsl. */
function pairsUniforms({ floats, halves }: SplitPlan): (tile: SplitTile) => Uint32Array {
  return (tile) =>
    Uint32Array.of(
      tile.rows,
      tile.cols,
      Math.ceil(tile.cols / 8),
      tile.floats.base,
      floats.rowStride,
      tile.halves.base / 8,
      halves.rowStride / 8,
      tile.line,
    );
}
