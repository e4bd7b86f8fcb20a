/**
 * @file Operands whose rows begin at any element or that are stored transposed, copied so that their rows
 * lie as a kernel reads them. Reading A and B costs as often as a tile of C is made; the copy costs once.
 */

import { dispatchWith } from "../dispatch.ts";
import { BufferUsage } from "../gpu-constants.ts";
import { bindingOf } from "../kernel-buffers.ts";
import { compiledPipeline } from "../pipelines.ts";
import { allocated } from "../prepared.ts";
import { gemmPackWgsl } from "../shaders.generated.ts";
import {
  type BindingWindow,
  type KernelLimits,
  type StoredMatrix,
  windowCapacity,
  windowOf,
} from "../tiling.ts";
import { createUniformSlices } from "../uniform-slices.ts";

/** One operand and its copy. Plain data. */
export interface PackPlan {
  /** The operand as the caller stores it. */
  readonly source: StoredMatrix;
  /** The copy: the operand as it is multiplied, zeros around, rows of whole octets without gaps. */
  readonly packed: StoredMatrix;
  readonly window: BindingWindow;
  /** True where rows of the copy are columns of the source. */
  readonly transposed: boolean;
  /** Device memory of the copy. */
  readonly sizeBytes: number;
  /** Invocations of a workgroup. */
  readonly workgroupSize: number;
  readonly workgroups: readonly [number, number, number];
}

/** A copy on the device. */
export interface PreparedPack extends Disposable {
  /** The copy; overwritten by every `dispatch`. */
  readonly packed: GPUBuffer;
  /** Appends the copying of `source` to `pass`. */
  dispatch(pass: GPUComputePassEncoder, source: GPUBuffer): void;
}

/** Software drivers gain by few and full workgroups; an invocation makes eight elements of a row. */
const LARGEST_WORKGROUP = 128;

/**
 * Plans the copy of one operand, or of a batch of them: `size` is what the copy has, at least that of the
 * source, with zeros around; its columns are a multiple of eight. Pure.
 *
 * @returns undefined where operand or copy exceed one binding, or rows and matrices one dispatch.
 */
export function planPack(
  source: StoredMatrix,
  size: { readonly rows: number; readonly cols: number; readonly transposed?: boolean },
  limits: KernelLimits,
): PackPlan | undefined {
  const { rows, cols, transposed = false } = size;
  const { batch } = source;
  // A matrix that all products share is copied once.
  const matrices = batch && batch.stride > 0 ? batch.count : 1;
  const whole = {
    rows: { first: 0, count: source.rows },
    cols: { first: 0, count: source.cols },
    items: { first: 0, count: matrices },
  };
  const window = windowOf(source, whole, limits);
  const octets = cols / 8;
  const workgroupSize = evenPart(octets, LARGEST_WORKGROUP);
  const workgroups = [Math.ceil(octets / workgroupSize), rows, matrices] as const;
  const fits =
    window.sizeBytes <= limits.maxStorageBufferBindingSize &&
    matrices * rows * cols <= windowCapacity(limits) &&
    Math.max(...workgroups) <= limits.maxComputeWorkgroupsPerDimension;
  if (!fits) return undefined;
  const stride = matrices > 1 ? rows * cols : 0;
  const packed = { rows, cols, rowStride: cols, offset: 0 };
  return {
    source,
    packed: batch ? { ...packed, batch: { count: batch.count, stride } } : packed,
    window,
    sizeBytes: 4 * matrices * rows * cols,
    transposed,
    workgroupSize,
    workgroups,
  };
}

/** The size of the parts of `total` when it is cut into the fewest, in multiples of four. */
function evenPart(total: number, most: number): number {
  return 4 * Math.ceil(total / Math.ceil(total / most) / 4);
}

/**
 * Compiles a plan for the device it was made for, and allocates the copy.
 *
 * @throws {DeviceLimitError} when the device has no memory for it.
 */
export async function preparePack(device: GPUDevice, plan: PackPlan): Promise<PreparedPack> {
  const { source, window, transposed, workgroupSize, workgroups } = plan;
  const label = `pack ${source.rows}×${source.cols}`;
  const pipeline = await compiledPipeline(device, {
    code: gemmPackWgsl,
    entryPoint: "gemm_pack",
    constants: { WORKGROUP: workgroupSize },
  });
  const { made, allocation } = await allocated(device, "a copy for a gemm", (memory) => ({
    packed: memory.create(device, { label, size: plan.sizeBytes, usage: BufferUsage.STORAGE }),
    uniforms: createUniformSlices(
      device,
      label,
      [
        Uint32Array.of(
          transposed ? source.cols : source.rows,
          transposed ? source.rows : source.cols,
          window.base,
          transposed ? 1 : source.rowStride,
          transposed ? source.rowStride : 1,
          source.batch?.stride ?? 0,
          plan.packed.cols / 8,
        ),
      ],
      memory,
    ),
  }));
  const { packed, uniforms } = made;
  return {
    packed,
    dispatch(pass, buffer) {
      const resources = [uniforms.at(0), bindingOf(buffer, window), { buffer: packed }];
      dispatchWith(device, pass, { label, pipeline, resources, workgroups });
    },
    [Symbol.dispose]: () => allocation[Symbol.dispose](),
  };
}
