import { BufferUsage } from "./gpu-constants.ts";
import { Allocation } from "./prepared.ts";
import type { KernelLimits } from "./tiling.ts";

/** Small blocks of u32 uniforms in one buffer, one a dispatch, written once. */
export interface UniformSlices extends Disposable {
  /** The binding of block `index`. */
  at(index: number): GPUBufferBinding;
}

/**
 * Uploads `blocks`, all of one length. The buffer lives until the result, or the allocation that it is made
 * in, is disposed of.
 */
export function createUniformSlices(
  device: GPUDevice,
  label: string,
  blocks: readonly Uint32Array[],
  allocation: Allocation = new Allocation(),
): UniformSlices {
  const sizeBytes = blocks[0]!.byteLength;
  const strideBytes = sliceStride(sizeBytes, device.limits);
  const buffer = allocation.create(device, {
    label,
    size: blocks.length * strideBytes,
    usage: BufferUsage.UNIFORM,
    mappedAtCreation: true,
  });
  const words = new Uint32Array(buffer.getMappedRange());
  for (const [i, block] of blocks.entries()) {
    words.set(block, (i * strideBytes) / Uint32Array.BYTES_PER_ELEMENT);
  }
  buffer.unmap();
  return {
    at: (index) => ({ buffer, offset: index * strideBytes, size: sizeBytes }),
    [Symbol.dispose]: () => buffer.destroy(),
  };
}

function sliceStride(sizeBytes: number, limits: KernelLimits): number {
  const alignment = limits.minUniformBufferOffsetAlignment;
  return Math.ceil(sizeBytes / alignment) * alignment;
}
