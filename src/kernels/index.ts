/// <reference lib="dom" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * @file The public surface of `anyk/kernels`: devices, and the kernels on buffers that the caller
 * holds. Each kernel is a pure plan, a compiled pipeline and commands appended to the caller's
 * encoder.
 */

export type { BlockShape } from "../core/blocks.ts";
export type { BlockCombination } from "../core/code.ts";
export type { Matrix } from "../core/matrix.ts";
export { BufferPool, type BufferPoolOptions, type BufferPoolStats } from "./buffer-pool.ts";
export { type CombineBuffers, type PreparedCombine, prepareCombine } from "./combine.ts";
export {
  type CombineOptions,
  type CombinePlan,
  type CombineTile,
  planCombine,
} from "./combine-plan.ts";
export { combineReference } from "./combine-reference.ts";
export {
  type DeviceDescription,
  describeDevice,
  listAdapters,
  type OpenDeviceOptions,
  openDevice,
} from "./device.ts";
export type { AdapterDescription, DeviceKind, DriverSource } from "./device-adapters.ts";
export { type GemmBuffers, type PreparedGemm, prepareGemm } from "./gemm.ts";
export type { GemmFamily, GemmShape } from "./gemm-families.ts";
export { type GemmOptions, type GemmPlan, type GemmTile, planGemm } from "./gemm-plan.ts";
export { gemmReference } from "./gemm-reference.ts";
export {
  type BindingWindow,
  extentBytes,
  type KernelLimits,
  type LimitedDevice,
  type Span,
  type StoredMatrix,
} from "./tiling.ts";
