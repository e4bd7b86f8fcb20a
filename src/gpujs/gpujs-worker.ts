import { z } from "zod";
import { DeviceLostError } from "../core/errors.ts";
import type { Matrix } from "../core/matrix.ts";
import { requireOptions } from "../core/options.ts";
import type { ComputeWorker, MultiplyTaskOptions, ProductShape, Task } from "../core/worker.ts";
import type { Job } from "../workers/job.ts";
import { JobQueue } from "../workers/job-queue.ts";
import { panelRoundings } from "../workers/panels.js";
import { workerOptionsSchema } from "../workers/worker-options.ts";
import { GpujsGemm, innerOfPanels } from "./gpujs-gemm.ts";
import { type GpujsInstance, type GpujsMode, openGpujs } from "./gpujs-library.ts";

export interface GpujsWorkerOptions {
  /** What results and messages call this worker. */
  readonly id: string;
  /**
   * "webgl2" and "webgl" compute on the browser's WebGL, "cpu" in plain JavaScript. "auto" (default):
   * the first of these that this browser has with float32 to read back; in Node the last.
   */
  readonly mode?: GpujsMode | "auto";
  /** An instance of gpu.js' class `GPU`, which stays the caller's, in place of `mode`. */
  readonly gpu?: GpujsInstance;
}

/** A worker that also tells where gpu.js computes. */
export interface GpujsComputeWorker extends ComputeWorker {
  /** "webgl2", "webgl", "cpu". Loads gpu.js; rejects as `multiply` does where that fails. */
  mode(): Promise<string>;
}

const optionsSchema = workerOptionsSchema({
  mode: z
    .enum(["auto", "webgl2", "webgl", "cpu"], 'must be "auto", "webgl2", "webgl" or "cpu"')
    .optional(),
  gpu: z.custom(isInstance, "must be an instance of gpu.js' class GPU").optional(),
});

/**
 * A worker that multiplies with gpu.js, for browsers that have WebGL 2 but no WebGPU. It works on the
 * thread that made it, in panels of some 20 ms between which everything else gets its turn; with WebGL 2
 * it does not block while the GPU computes.
 *
 * Tasks run in the order of the calls. Operands are read until the product is there; the product is new
 * memory. Each element errs by at most γ_r Σ|a||b| for r = `roundings`, absent underflow; NaN and ±Inf
 * propagate where the GPU's arithmetic has them, which WebGL does not promise.
 *
 * `multiply` rejects with
 * - `signal.reason` as soon as the signal aborts; the worker is done with the task a panel later;
 * - a ShapeError when the operands do not fit each other;
 * - a NoDeviceError when gpu.js is not installed, or has no such mode here;
 * - a DeviceLimitError when memory cannot be had;
 * - a DeviceLostError when the WebGL context is lost; the next task gets a fresh one, unless the
 *   instance of gpu.js is the caller's;
 * - a ClosedError when the worker is or has been disposed of.
 *
 * @throws {InputError} for an option that breaks its rule.
 */
export function createGpujsWorker(options: GpujsWorkerOptions): GpujsComputeWorker {
  return new GpujsWorker(requireOptions(optionsSchema, options));
}

/** By its shape: gpu.js, and with it the class, is not loaded before the first task. */
function isInstance(value: unknown): boolean {
  const gpu = value as Partial<GpujsInstance> | null;
  return typeof gpu?.createKernel === "function" && typeof gpu.destroy === "function";
}

interface Opened {
  readonly gpu: GpujsInstance;
  readonly gemm: GpujsGemm;
}

class GpujsWorker implements GpujsComputeWorker {
  readonly id: string;
  readonly kind = "gpu.js";
  readonly #mode: GpujsMode | "auto";
  readonly #given: GpujsInstance | undefined;
  readonly #jobs: JobQueue;
  #opening: Promise<Opened> | undefined;
  #openMode: string | undefined;

  constructor({ id, mode = "auto", gpu }: GpujsWorkerOptions) {
    this.id = id;
    this.#mode = mode;
    this.#given = gpu;
    this.#jobs = new JobQueue(id, {
      run: (job, signal) => this.#run(job, signal),
      onFailure: async (error) => {
        if (error instanceof DeviceLostError) await this.#release();
      },
      release: () => this.#release(),
    });
  }

  async mode(): Promise<string> {
    this.#jobs.requireOpen();
    return (await this.#open()).gpu.mode;
  }

  multiply(task: Task, options: MultiplyTaskOptions): Promise<Matrix> {
    return this.#jobs.multiply(task, options);
  }

  /** Twice in WebGL: GLSL leaves open to which neighbour a result is rounded, an error of up to 2u. */
  roundings({ inner }: ProductShape): number {
    const steps = panelRoundings(inner, innerOfPanels(inner));
    const mode = this.#openMode ?? this.#given?.mode ?? this.#mode;
    return mode === "cpu" ? steps : 2 * steps;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#jobs[Symbol.asyncDispose]();
  }

  #open(): Promise<Opened> {
    this.#opening ??= this.#openOnce().catch((error) => {
      this.#opening = undefined; // the next task may try again
      throw error;
    });
    return this.#opening;
  }

  async #openOnce(): Promise<Opened> {
    const gpu = this.#given ?? (await openGpujs(this.#mode));
    try {
      const gemm = new GpujsGemm(gpu);
      this.#openMode = gpu.mode;
      return { gpu, gemm };
    } catch (error) {
      if (!this.#given) await destroyed(gpu);
      throw error;
    }
  }

  /** Frees the kernel, and the instance where it is ours. Never rejects. */
  async #release(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined);
    this.#opening = undefined;
    if (!opened) return;
    if (!this.#given) return destroyed(opened.gpu); // its kernels, too
    try {
      opened.gemm[Symbol.dispose]();
    } catch {
      // Of a context that is lost, nothing is left to be freed.
    }
  }

  async #run(job: Job, signal: AbortSignal): Promise<Float32Array> {
    const { gemm } = await this.#open();
    signal.throwIfAborted();
    job.start();
    return gemm.multiply(job.task, signal);
  }
}

/** Never rejects. */
async function destroyed(gpu: GpujsInstance): Promise<void> {
  try {
    await gpu.destroy();
  } catch {
    // Of a context that is lost, nothing is left to be freed.
  }
}
