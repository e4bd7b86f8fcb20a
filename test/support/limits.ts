import type { GemmDevice } from "../../src/kernels/gemm/gemm-family.ts";
import type { KernelLimits } from "../../src/kernels/tiling.ts";

/** Limits that every WebGPU device offers, and whatever a test changes. */
export function limitsWith(changes: Partial<KernelLimits> = {}): { readonly limits: KernelLimits } {
  return {
    limits: {
      maxBufferSize: 2 ** 28,
      maxStorageBufferBindingSize: 2 ** 27,
      minStorageBufferOffsetAlignment: 256,
      minUniformBufferOffsetAlignment: 256,
      maxComputeWorkgroupsPerDimension: 65_535,
      ...changes,
    },
  };
}

/** The limits of a device, and whatever a test changes: plans for a lesser device that run on this one. */
export function limitsOf(
  { limits, features, adapterInfo }: GPUDevice,
  changes: Partial<KernelLimits>,
): GemmDevice {
  const lesser = limitsWith({
    maxBufferSize: limits.maxBufferSize,
    maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    minStorageBufferOffsetAlignment: limits.minStorageBufferOffsetAlignment,
    minUniformBufferOffsetAlignment: limits.minUniformBufferOffsetAlignment,
    maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    ...changes,
  });
  return { ...lesser, features, adapterInfo };
}
