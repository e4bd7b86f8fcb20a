import { ClosedError, DeviceLostError } from "../core/errors.ts";
import type { Matrix } from "../core/matrix.ts";
import type { ComputeWorker, MultiplyTaskOptions, ProductShape, Task } from "../core/worker.ts";
import { compileAhead, multiplyOnGpu } from "./gpu-gemm.ts";
import { GpuLease, type GpuLeaseOptions, leaseOf, type OpenGpu } from "./gpu-lease.ts";
import { Job } from "./job.ts";
import { asLimitError, type GemmShape } from "./operands.ts";

export interface GpuWorkerOptions {
  /** What results and messages call this worker. */
  readonly id: string;
  /**
   * The device, which stays the caller's, or a lease of one. Workers on one device share its buffers
   * either way; a lease also tells how they fare.
   */
  readonly device: GPUDevice | GpuLease;
  /** Gets a device in place of one that was lost. Not used with a lease, which has its own. */
  readonly reopen?: GpuLeaseOptions["reopen"];
  /**
   * The most device memory that one task takes; larger ones go through it in panels. Default: 256 MiB
   * on a software device, 1 GiB on a GPU.
   */
  readonly taskBudgetBytes?: number;
}

const DEFAULT_BUDGET_BYTES = { software: 256 * 2 ** 20, hardware: 2 ** 30 };

/**
 * A worker that multiplies on a WebGPU device. Any number of them may share one device, whose queue
 * then runs their tasks in turns of about 50 ms.
 *
 * Tasks of one worker run in the order of the calls. Operands are read when their turn comes and are
 * not kept; the product is new memory. Each element errs by at most γ_k Σ|a||b|, absent underflow;
 * NaN and ±Inf propagate where the device's arithmetic has them, which WebGPU does not promise.
 *
 * `multiply` rejects with
 * - `signal.reason` as soon as the signal aborts; the device is done with the task some 100 ms later;
 * - a ShapeError when the operands do not fit each other;
 * - a DeviceLimitError when device or host memory cannot be had, however small the panels;
 * - a DeviceLostError when the device is lost, for every pending task. Later tasks get the device that
 *   `reopen` gives, and the same error if it gives none;
 * - a ClosedError when the worker is or has been disposed of.
 */
export function createGpuWorker(options: GpuWorkerOptions): ComputeWorker {
  return new GpuWorker(options);
}

class GpuWorker implements ComputeWorker {
  readonly id: string;
  readonly kind = "webgpu";
  readonly #lease: GpuLease;
  readonly #endLease: () => void;
  readonly #budgetBytes: number | undefined;
  readonly #waiting: Job[] = [];
  #running: { readonly job: Job; readonly stop: AbortController } | undefined;
  /** Resolves when nothing waits or runs any more. */
  #drained: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor({ id, device, reopen, taskBudgetBytes }: GpuWorkerOptions) {
    this.id = id;
    this.#lease =
      device instanceof GpuLease ? device : leaseOf({ device, ...(reopen && { reopen }) });
    this.#endLease = this.#lease.retain();
    this.#budgetBytes = taskBudgetBytes;
  }

  async multiply(task: Task, options: MultiplyTaskOptions): Promise<Matrix> {
    if (this.#closing !== undefined)
      throw new ClosedError(`worker ${this.id} has been disposed of`);
    const job = new Job(task, options, () => this.#abandon(job));
    this.#waiting.push(job);
    if (this.#waiting.length === 1 && !this.#running) this.#drained = this.#drain();
    return job.product;
  }

  /** Compiles the kernel of the first panel. What fails here fails again, and is heard of, in a task. */
  prepare({ rows, inner, cols }: ProductShape): void {
    void this.#compile({ m: rows, k: inner, n: cols }).catch(() => {});
  }

  async #compile(shape: GemmShape): Promise<void> {
    const gpu = await this.#lease.current();
    await compileAhead(gpu, shape, this.#budgetOf(gpu));
  }

  #budgetOf({ software }: OpenGpu): number {
    return this.#budgetBytes ?? DEFAULT_BUDGET_BYTES[software ? "software" : "hardware"];
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const reason = new ClosedError(`worker ${this.id} was disposed of`);
    this.#rejectWaiting(reason);
    this.#running?.job.reject(reason);
    this.#running?.stop.abort(reason);
    await this.#drained;
    this.#endLease();
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
      const stop = new AbortController();
      this.#running = { job, stop };
      try {
        job.resolve(await this.#run(job, stop.signal));
      } catch (error) {
        const { m, k, n } = job.shape;
        job.reject(asLimitError(error, `a product ${m}×${k}×${n} on worker ${this.id}`));
        if (error instanceof DeviceLostError) this.#rejectWaiting(error);
      }
      this.#running = undefined;
    }
  }

  async #run(job: Job, signal: AbortSignal): Promise<Float32Array> {
    const gpu = await this.#lease.current();
    return multiplyOnGpu(gpu, job.task, {
      signal,
      onStarted: () => job.start(),
      budgetBytes: this.#budgetOf(gpu),
    });
  }

  #rejectWaiting(reason: unknown): void {
    for (const job of this.#waiting.splice(0)) job.reject(reason);
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
