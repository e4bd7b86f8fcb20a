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
export { type CombineBuffers, type PreparedCombine, prepareCombine } from "./combine/combine.ts";
export type { BlockArea, MatrixGrid } from "./combine/combine-layout.ts";
export {
  type CombineDevice,
  type CombineOptions,
  type CombinePlan,
  planCombine,
} from "./combine/combine-plan.ts";
export { combineReference } from "./combine/combine-reference.ts";
export type { CombineKernel, TablePanel } from "./combine/combine-table.ts";
export type { BlockWalk, CombineTile } from "./combine/combine-tiles.ts";
export {
  type DeviceDescription,
  describeDevice,
  listAdapters,
  type OpenDeviceOptions,
  openDevice,
} from "./device/device.ts";
export type {
  AdapterDescription,
  DeviceKind,
  DriverSource,
  SubgroupMatrix,
} from "./device/device-adapters.ts";
export { type GemmBuffers, type PreparedGemm, prepareGemm } from "./gemm/gemm.ts";
export type { GemmCopies } from "./gemm/gemm-copies.ts";
export type {
  GemmConfig,
  GemmDevice,
  GemmFamily,
  GemmPrecision,
  GemmShape,
} from "./gemm/gemm-family.ts";
export type { GemmBatch, GemmOptions } from "./gemm/gemm-options.ts";
export type { PackPlan } from "./gemm/gemm-pack.ts";
export { type GemmPlan, gemmCandidates, planGemm } from "./gemm/gemm-plan.ts";
export { gemmReference } from "./gemm/gemm-reference.ts";
export type { GemmSlices, GemmTile } from "./gemm/gemm-tiles.ts";
export { BufferUsage, MAP_READ_MODE } from "./gpu-constants.ts";
export { fromHalves, toHalves } from "./halves/halves.ts";
export {
  type HalvesBuffers,
  type HalvesOptions,
  type HalvesPlan,
  type HalvesTile,
  type PreparedHalves,
  planHalves,
  prepareHalves,
} from "./halves/halves-convert.ts";
export { type SplitPlan, type SplitTile, splitBytes } from "./halves/halves-split.ts";
export {
  type FrobeniusBuffers,
  type PreparedFrobenius,
  prepareFrobenius,
} from "./reductions/frobenius.ts";
export {
  type BlockNorm,
  type FrobeniusOptions,
  type FrobeniusPlan,
  planFrobenius,
  type SquaresTile,
} from "./reductions/frobenius-plan.ts";
export { frobeniusReference } from "./reductions/frobenius-reference.ts";
export {
  type PreparedProjection,
  type ProjectionBuffers,
  prepareProjection,
} from "./reductions/projection.ts";
export {
  type ProjectionOptions,
  type ProjectionPlan,
  type ProjectionRows,
  type ProjectionTile,
  planProjection,
} from "./reductions/projection-plan.ts";
export { projectionReference } from "./reductions/projection-reference.ts";
export type { SumLevel } from "./reductions/reduction-sums.ts";
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
} from "./tuning/tune.ts";
export type { RejectedCandidate } from "./tuning/tune-search.ts";
export {
  type GemmCandidate,
  type GemmLayout,
  type GemmTuning,
  gemmBucket,
} from "./tuning/tuning.ts";
export {
  loadTuning,
  openTuningCache,
  type TuningCache,
  type TuningCacheOptions,
} from "./tuning/tuning-cache.ts";
export { deviceKey } from "./tuning/tuning-device.ts";
