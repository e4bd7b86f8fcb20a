import type { BlockShape } from "../../core/blocks.ts";
import { ClosedError, ShapeError } from "../../core/errors.ts";
import { bindingOf, requireBuffer } from "../kernel-buffers.ts";
import { compiledPipeline } from "../pipelines.ts";
import { halvesWgsl } from "../shaders.generated.ts";
import {
  type BindingWindow,
  fitPart,
  type LimitedDevice,
  requireCount,
  requireStored,
  type StoredMatrix,
  split,
  windowCapacity,
  windowOf,
} from "../tiling.ts";
import { createUniformSlices } from "../uniform-slices.ts";

/** How the matrices of a conversion lie. Every field is optional. */
export interface HalvesOptions {
  /**
   * Elements between the rows: of the float32s, default their columns; of the halves, an even number,
   * default the columns rounded up to a multiple of 8, which GEMMs read fastest.
   */
  readonly strides?: { readonly floats?: number; readonly halves?: number };
  /** Elements before the first. Default 0; of the halves an even number. */
  readonly offsets?: { readonly floats?: number; readonly halves?: number };
}

/** Everything that is decided about one conversion before a device is touched. Plain data. */
export interface HalvesPlan {
  readonly floats: StoredMatrix;
  /** What `planGemm` with precision "f16" is to be told of the operand: stride and offset. */
  readonly halves: StoredMatrix;
  /** One dispatch each. */
  readonly tiles: readonly HalvesTile[];
}

/** One dispatch: a part of the matrix. */
export interface HalvesTile {
  readonly rows: number;
  readonly cols: number;
  readonly floats: BindingWindow;
  readonly halves: BindingWindow;
  readonly workgroups: readonly [number, number, number];
}

/** Two buffers of the usage STORAGE, laid out as the plan says. */
export interface HalvesBuffers {
  readonly floats: GPUBuffer;
  /** Overwritten; so is the element after the end of a row of odd length, with 0. */
  readonly halves: GPUBuffer;
}

/** A conversion of one shape, compiled. Serves any number of matrices, on any buffers. */
export interface PreparedHalves extends Disposable {
  readonly plan: HalvesPlan;
  /**
   * Appends the conversion to `encoder` as one compute pass. Nothing runs until the caller submits.
   *
   * @throws {ShapeError} when a buffer is too short.
   * @throws {ClosedError} after disposal.
   */
  record(encoder: GPUCommandEncoder, buffers: HalvesBuffers): void;
}

const WORKGROUP = 64;

/**
 * Plans the rounding of a float32 matrix to halves, as operands of a GEMM of precision "f16" are stored.
 * Pure: reads `device.limits` and nothing else.
 *
 * @throws {ShapeError} when a side is no positive integer, a stride is shorter than its row, or a row of
 *   halves would begin in the middle of a word.
 * @throws {InputError} when an offset is out of range.
 * @throws {DeviceLimitError} when a matrix exceeds any buffer of the device.
 */
export function planHalves(
  { rows, cols }: BlockShape,
  { limits }: LimitedDevice,
  options: HalvesOptions = {},
): HalvesPlan {
  requireCount("rows", rows);
  requireCount("cols", cols);
  const { strides = {}, offsets = {} } = options;
  const floats = {
    rows,
    cols,
    rowStride: strides.floats ?? cols,
    offset: offsets.floats ?? 0,
  };
  const halves = {
    rows,
    cols,
    rowStride: strides.halves ?? Math.ceil(cols / 8) * 8,
    offset: offsets.halves ?? 0,
    elementBytes: 2,
  } as const;
  requireStored("floats", floats, limits);
  requireStored("halves", halves, limits);
  if (halves.rowStride % 2 !== 0 || halves.offset % 2 !== 0) {
    throw new ShapeError(
      `rows of halves must begin at even elements, got the stride ${halves.rowStride} and the ` +
        `offset ${halves.offset}`,
    );
  }

  let part = { rows: Math.min(rows, limits.maxComputeWorkgroupsPerDimension), cols };
  for (const { rowStride, elementBytes } of [{ ...floats, elementBytes: 4 }, halves]) {
    part = fitPart(part, rowStride, windowCapacity(limits, elementBytes));
  }
  const tiles = split(rows, part.rows).flatMap((down) =>
    split(cols, part.cols, 2).map((across): HalvesTile => {
      const words = down.count * Math.ceil(across.count / 2);
      return {
        rows: down.count,
        cols: across.count,
        floats: windowOf(floats, { rows: down, cols: across }, limits),
        halves: windowOf(halves, { rows: down, cols: across }, limits),
        workgroups: spread(Math.ceil(words / WORKGROUP), limits.maxComputeWorkgroupsPerDimension),
      };
    }),
  );
  return { floats, halves, tiles };
}

/** At least `groups` workgroups in a grid of at most `most` a side. */
export function spread(groups: number, most: number): readonly [number, number, number] {
  const height = Math.ceil(groups / most);
  return [Math.ceil(groups / height), height, 1];
}

/**
 * Compiles a plan for the device it was made for. Dispose of the result after the last submit that uses
 * it; the buffers remain the caller's.
 *
 * Every element becomes the half nearest to it, ties to even, the same bits on every device as from
 * `toHalves`: |half − x| ≤ 2^-11 |x| + 2^-25 below 65520, ±Inf from there on, NaN for NaN.
 */
export async function prepareHalves(device: GPUDevice, plan: HalvesPlan): Promise<PreparedHalves> {
  const label = `halves ${plan.floats.rows}×${plan.floats.cols}`;
  const pipeline = await compiledPipeline(device, {
    code: halvesWgsl,
    entryPoint: "halves",
    constants: { WORKGROUP },
  });
  const blocks = plan.tiles.map((tile) => uniformsOf(plan, tile));
  const uniforms = createUniformSlices(device, label, blocks);
  let closed = false;
  return {
    plan,
    record(encoder, buffers) {
      if (closed) throw new ClosedError(`${label} has been disposed of`);
      for (const name of ["floats", "halves"] as const) {
        requireBuffer(name, buffers[name], plan[name]);
      }
      const pass = encoder.beginComputePass({ label });
      pass.setPipeline(pipeline);
      for (const [i, tile] of plan.tiles.entries()) {
        const resources: GPUBufferBinding[] = [
          uniforms.at(i),
          bindingOf(buffers.floats, tile.floats),
          bindingOf(buffers.halves, tile.halves),
        ];
        const group = device.createBindGroup({
          label,
          layout: pipeline.getBindGroupLayout(0),
          entries: resources.map((resource, binding) => ({ binding, resource })),
        });
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...tile.workgroups);
      }
      pass.end();
    },
    [Symbol.dispose]() {
      closed = true;
      uniforms[Symbol.dispose]();
    },
  };
}

/** The shader's `Tile`. */
function uniformsOf(plan: HalvesPlan, tile: HalvesTile): Uint32Array {
  return Uint32Array.of(
    tile.rows,
    tile.cols,
    Math.ceil(tile.cols / 2),
    tile.floats.base,
    plan.floats.rowStride,
    tile.halves.base / 2,
    plan.halves.rowStride / 2,
  );
}
