import { ClosedError, DeviceLostError, InputError } from "../core/errors.ts";
import type { Matrix } from "../core/matrix.ts";
import type { ComputeWorker, MultiplyTaskOptions, ProductShape, Task } from "../core/worker.ts";
import { Job } from "../workers/job.ts";
import { asLimitError } from "../workers/operands.ts";
import { panelRoundings } from "../workers/panels.js";
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
 * @throws {InputError} when there is no such mode.
 */
export function createGpujsWorker(options: GpujsWorkerOptions): GpujsComputeWorker {
  const { mode = "auto" } = options;
  if (!["auto", "webgl2", "webgl", "cpu"].includes(mode)) {
    throw new InputError(`mode must be "auto", "webgl2", "webgl" or "cpu", got "${mode}"`);
  }
  return new GpujsWorker(options);
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
  #opening: Promise<Opened> | undefined;
  #openMode: string | undefined;
  readonly #waiting: Job[] = [];
  #running: { readonly job: Job; readonly stop: AbortController } | undefined;
  /** Resolves when nothing waits or runs any more. */
  #drained: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor({ id, mode = "auto", gpu }: GpujsWorkerOptions) {
    this.id = id;
    this.#mode = mode;
    this.#given = gpu;
  }

  async mode(): Promise<string> {
    this.#requireOpen();
    return (await this.#open()).gpu.mode;
  }

  async multiply(task: Task, options: MultiplyTaskOptions): Promise<Matrix> {
    this.#requireOpen();
    const job = new Job(task, options, () => this.#abandon(job));
    this.#waiting.push(job);
    if (this.#waiting.length === 1 && !this.#running) this.#drained = this.#drain();
    return job.product;
  }

  /** Twice in WebGL: GLSL leaves open to which neighbour a result is rounded, an error of up to 2u. */
  roundings({ inner }: ProductShape): number {
    const steps = panelRoundings(inner, innerOfPanels(inner));
    const mode = this.#openMode ?? this.#given?.mode ?? this.#mode;
    return mode === "cpu" ? steps : 2 * steps;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const reason = new ClosedError(`worker ${this.id} was disposed of`);
    for (const job of this.#waiting.splice(0)) job.reject(reason);
    this.#running?.job.reject(reason);
    this.#running?.stop.abort(reason);
    await this.#drained;
    await this.#release();
  }

  #requireOpen(): void {
    if (this.#closing !== undefined)
      throw new ClosedError(`worker ${this.id} has been disposed of`);
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
    this.#openMode = gpu.mode;
    return { gpu, gemm: new GpujsGemm(gpu) };
  }

  /** Frees the kernel, and the instance where it is ours. Never rejects. */
  async #release(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined);
    this.#opening = undefined;
    if (!opened) return;
    try {
      if (this.#given) opened.gemm[Symbol.dispose]();
      else await opened.gpu.destroy(); // its kernels, too
    } catch {
      // Of a context that is lost, nothing is left to be freed.
    }
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
      const stop = new AbortController();
      this.#running = { job, stop };
      try {
        const { gemm } = await this.#open();
        stop.signal.throwIfAborted();
        job.start();
        job.resolve(await gemm.multiply(job.task, stop.signal));
      } catch (error) {
        const { m, k, n } = job.shape;
        job.reject(asLimitError(error, `a product ${m}×${k}×${n} on worker ${this.id}`));
        if (error instanceof DeviceLostError) await this.#release();
      }
      this.#running = undefined;
    }
  }

  /** The job is rejected already; this spares its work. */
  #abandon(job: Job): void {
    if (job === this.#running?.job) {
      this.#running.stop.abort(new DOMException("the task is not wanted any more", "AbortError"));
      return;
    }
    const at = this.#waiting.indexOf(job);
    if (at >= 0) this.#waiting.splice(at, 1);
  }
}
