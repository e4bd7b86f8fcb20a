/**
 * A worker on WebGL, for browsers without WebGPU, or on plain JavaScript. It needs the package gpu.js,
 * an optional peer: `npm install gpu.js`.
 *
 * @module anyk/gpujs
 */

export type { GpujsInstance, GpujsMode } from "./gpujs-library.ts";
export {
  createGpujsWorker,
  type GpujsComputeWorker,
  type GpujsWorkerOptions,
} from "./gpujs-worker.ts";
