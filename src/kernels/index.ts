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
export type { BlockArea, MatrixGrid } from "./combine-layout.ts";
export {
  type CombineDevice,
  type CombineOptions,
  type CombinePlan,
  planCombine,
} from "./combine-plan.ts";
export { combineReference } from "./combine-reference.ts";
export type { CombineKernel, TablePanel } from "./combine-table.ts";
export type { BlockWalk, CombineTile } from "./combine-tiles.ts";
export {
  type DeviceDescription,
  describeDevice,
  listAdapters,
  type OpenDeviceOptions,
  openDevice,
} from "./device.ts";
export type {
  AdapterDescription,
  DeviceKind,
  DriverSource,
  SubgroupMatrix,
} from "./device-adapters.ts";
export { type FrobeniusBuffers, type PreparedFrobenius, prepareFrobenius } from "./frobenius.ts";
export {
  type BlockNorm,
  type FrobeniusOptions,
  type FrobeniusPlan,
  planFrobenius,
  type SquaresTile,
} from "./frobenius-plan.ts";
export { frobeniusReference } from "./frobenius-reference.ts";
export { type GemmBuffers, type PreparedGemm, prepareGemm } from "./gemm.ts";
export type {
  GemmConfig,
  GemmDevice,
  GemmFamily,
  GemmPrecision,
  GemmShape,
} from "./gemm-family.ts";
export type { GemmBatch, GemmOptions } from "./gemm-options.ts";
export type { PackPlan } from "./gemm-pack.ts";
export { type GemmPlan, gemmCandidates, planGemm } from "./gemm-plan.ts";
export { gemmReference } from "./gemm-reference.ts";
export type { GemmSlices, GemmTile } from "./gemm-tiles.ts";
export { BufferUsage, MAP_READ_MODE } from "./gpu-constants.ts";
export { fromHalves, toHalves } from "./halves.ts";
export {
  type HalvesBuffers,
  type HalvesOptions,
  type HalvesPlan,
  type HalvesTile,
  type PreparedHalves,
  planHalves,
  prepareHalves,
} from "./halves-convert.ts";
export { type SplitPlan, type SplitTile, splitBytes } from "./halves-split.ts";
export {
  type PreparedProjection,
  type ProjectionBuffers,
  prepareProjection,
} from "./projection.ts";
export {
  type ProjectionOptions,
  type ProjectionPlan,
  type ProjectionRows,
  type ProjectionTile,
  planProjection,
} from "./projection-plan.ts";
export { projectionReference } from "./projection-reference.ts";
export type { SumLevel } from "./reduction-sums.ts";
export {
  type BindingWindow,
  extentBytes,
  type KernelLimits,
  type LimitedDevice,
  type Span,
  type StoredMatrix,
} from "./tiling.ts";
export {
  type MeasuredCandidate,
  type SkippedBucket,
  type TunedBucket,
  type TuneOptions,
  type TuneProgress,
  type TuneResult,
  type TuneTarget,
  tuneGemm,
} from "./tune.ts";
export type { RejectedCandidate } from "./tune-search.ts";
export { type GemmCandidate, type GemmLayout, type GemmTuning, gemmBucket } from "./tuning.ts";
export {
  loadTuning,
  openTuningCache,
  type TuningCache,
  type TuningCacheOptions,
} from "./tuning-cache.ts";
export { deviceKey } from "./tuning-device.ts";
