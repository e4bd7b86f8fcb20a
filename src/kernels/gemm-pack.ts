/**
 * @file Operands whose rows begin at any element, copied so that they begin at multiples of four. Reading
 * A and B costs as often as a tile of C is made; the copy costs once.
 */

import { dispatchWith } from "./dispatch.ts";
import { BufferUsage } from "./gpu-constants.ts";
import { bindingOf } from "./kernel-buffers.ts";
import { compiledPipeline } from "./pipelines.ts";
import { allocated } from "./prepared.ts";
import { gemmPackWgsl } from "./shaders.generated.ts";
import {
  type BindingWindow,
  type KernelLimits,
  type StoredMatrix,
  windowCapacity,
  windowOf,
} from "./tiling.ts";
import { createUniformSlices } from "./uniform-slices.ts";

/** One operand and its copy. Plain data. */
export interface PackPlan {
  /** The operand as the caller stores it. */
  readonly source: StoredMatrix;
  /** The copy: rows and columns of whole quads as far as the kernel reads them, without gaps. */
  readonly packed: StoredMatrix;
  readonly window: BindingWindow;
  readonly workgroups: readonly [number, number, number];
}

/** A copy on the device. */
export interface PreparedPack extends Disposable {
  /** The copy; overwritten by every `record`. */
  readonly packed: GPUBuffer;
  /** Appends the copying of `source` to `encoder`. */
  record(encoder: GPUCommandEncoder, source: GPUBuffer): void;
}

const WORKGROUP = 64;

/**
 * Plans the copy of one operand, `rows`×`cols` with zeros around. Pure.
 *
 * @returns undefined where operand or copy exceed one binding.
 */
export function planPack(
  source: StoredMatrix,
  size: { readonly rows: number; readonly cols: number },
  limits: KernelLimits,
): PackPlan | undefined {
  const { rows, cols } = size;
  const whole = {
    rows: { first: 0, count: source.rows },
    cols: { first: 0, count: source.cols },
  };
  const window = windowOf(source, whole, limits);
  const workgroups = [Math.ceil(cols / (4 * WORKGROUP)), rows, 1] as const;
  const fits =
    window.sizeBytes <= limits.maxStorageBufferBindingSize &&
    rows * cols <= windowCapacity(limits) &&
    Math.max(...workgroups) <= limits.maxComputeWorkgroupsPerDimension;
  if (!fits) return undefined;
  return { source, packed: { rows, cols, rowStride: cols, offset: 0 }, window, workgroups };
}

/**
 * Compiles a plan for the device it was made for, and allocates the copy.
 *
 * @throws {DeviceLimitError} when the device has no memory for it.
 */
export async function preparePack(device: GPUDevice, plan: PackPlan): Promise<PreparedPack> {
  const { source, window, workgroups } = plan;
  const label = `pack ${source.rows}×${source.cols}`;
  const pipeline = await compiledPipeline(device, {
    code: gemmPackWgsl,
    entryPoint: "gemm_pack",
    constants: { WORKGROUP },
  });
  const { made, allocation } = await allocated(device, "a copy for a gemm", (memory) => ({
    packed: memory.create(device, { label, size: packedBytes(plan), usage: BufferUsage.STORAGE }),
    uniforms: createUniformSlices(
      device,
      label,
      [
        Uint32Array.of(
          source.rows,
          source.cols,
          window.base,
          source.rowStride,
          plan.packed.cols / 4,
        ),
      ],
      memory,
    ),
  }));
  const { packed, uniforms } = made;
  return {
    packed,
    record(encoder, buffer) {
      const resources = [uniforms.at(0), bindingOf(buffer, window), { buffer: packed }];
      const pass = encoder.beginComputePass({ label });
      dispatchWith(device, pass, { label, pipeline, resources, workgroups });
      pass.end();
    },
    [Symbol.dispose]: () => allocation[Symbol.dispose](),
  };
}

/** Device memory of a copy. */
function packedBytes({ packed }: PackPlan): number {
  return 4 * packed.rows * packed.cols;
}
