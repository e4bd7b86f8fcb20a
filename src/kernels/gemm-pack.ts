/**
 * @file Operands whose rows begin at any element, copied so that they begin at multiples of four. Reading
 * A and B costs as often as a tile of C is made; the copy costs once.
 */

import { BufferUsage } from "./gpu-constants.ts";
import { bindingOf } from "./kernel-buffers.ts";
import { compiledPipeline } from "./pipelines.ts";
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

/** Compiles a plan for the device it was made for, and allocates the copy. */
export async function preparePack(device: GPUDevice, plan: PackPlan): Promise<PreparedPack> {
  const { source, window, workgroups } = plan;
  const label = `pack ${source.rows}×${source.cols}`;
  const pipeline = await compiledPipeline(device, {
    code: gemmPackWgsl,
    entryPoint: "gemm_pack",
    constants: { WORKGROUP },
  });
  const packed = device.createBuffer({
    label,
    size: packedBytes(plan),
    usage: BufferUsage.STORAGE,
  });
  const uniforms = createUniformSlices(device, label, [
    Uint32Array.of(source.rows, source.cols, window.base, source.rowStride, plan.packed.cols / 4),
  ]);
  return {
    packed,
    record(encoder, buffer) {
      const resources = [uniforms.at(0), bindingOf(buffer, window), { buffer: packed }];
      const group = device.createBindGroup({
        label,
        layout: pipeline.getBindGroupLayout(0),
        entries: resources.map((resource, binding) => ({ binding, resource })),
      });
      const pass = encoder.beginComputePass({ label });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...workgroups);
      pass.end();
    },
    [Symbol.dispose]() {
      uniforms[Symbol.dispose]();
      packed.destroy();
    },
  };
}

/** Device memory of a copy. */
function packedBytes({ packed }: PackPlan): number {
  return 4 * packed.rows * packed.cols;
}
