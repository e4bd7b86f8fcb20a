/// <reference lib="dom" preserve="true" />
/// <reference lib="esnext.disposable" preserve="true" />
/**
 * Matrix products on workers that may be slow, dead or wrong.
 *
 * @module anyk
 */

export { type BilinearCodeOptions, bilinearCode } from "./codes/bilinear.ts";
export { type MatdotOptions, matdot } from "./codes/matdot.ts";
export type { Points } from "./codes/points.ts";
export { type PolynomialOptions, polynomial } from "./codes/polynomial.ts";
export {
  type ReplicationOptions,
  replication,
  type UncodedOptions,
  uncoded,
} from "./codes/replication.ts";
export type { BlockCombination, Code, DecodePlan, Partition } from "./core/code.ts";
export {
  AnykError,
  ClosedError,
  CodeParameterError,
  DeviceLimitError,
  DeviceLostError,
  InputError,
  NoDeviceError,
  ShapeError,
  type TaskFailure,
  UndecodableError,
  WrongProductError,
} from "./core/errors.ts";
export { type Matrix, matrix } from "./core/matrix.ts";
export type {
  ErrorEstimate,
  MultiplyOptions,
  Product,
  ProgressEvent,
  TaskEvent,
} from "./core/product.ts";
export { type Random, seededRandom } from "./core/random.ts";
export type { ComputeWorker, MultiplyTaskOptions, ProductShape, Task } from "./core/worker.ts";
export type { EngineDevice } from "./engine/devices.ts";
export { createEngine, type Engine } from "./engine/engine.ts";
export type { EngineOptions } from "./engine/options.ts";
export type { Clock } from "./runtime/clock.ts";
export { type FaultyWorker, faulty, WorkerDiedError } from "./runtime/faulty.ts";
export type { InjectedFault, StragglerModel } from "./runtime/straggler-model.ts";
export {
  type CpuComputeWorker,
  type CpuWorkerOptions,
  createCpuWorker,
} from "./workers/cpu-worker.ts";
export { GpuLease, type GpuLeaseOptions } from "./workers/gpu-lease.ts";
export { createGpuWorker, type GpuWorkerOptions } from "./workers/gpu-worker.ts";
export type { CpuArithmetic } from "./workers/thread-messages.ts";
