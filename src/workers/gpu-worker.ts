import { z } from "zod";
import { DeviceLostError } from "../core/errors.ts";
import type { Matrix } from "../core/matrix.ts";
import { requireOptions } from "../core/options.ts";
import type { ComputeWorker, MultiplyTaskOptions, ProductShape, Task } from "../core/worker.ts";
import { isDevice } from "../kernels/device/is-device.ts";
import { compileAhead, multiplyOnGpu } from "./gpu-gemm.ts";
import { GpuLease, type GpuLeaseOptions, leaseOf, type OpenGpu } from "./gpu-lease.ts";
import type { Job } from "./job.ts";
import { JobQueue } from "./job-queue.ts";
import { workerOptionsSchema } from "./worker-options.ts";

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

const positive = "must be a finite number above 0";

const optionsSchema = workerOptionsSchema({
  device: z.custom(
    (value) => value instanceof GpuLease || isDevice(value),
    "must be a GPUDevice or a GpuLease",
  ),
  reopen: z.custom((value) => typeof value === "function", "must be a function").optional(),
  taskBudgetBytes: z.number(positive).positive(positive).optional(),
});

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
 *
 * @throws {InputError} for an option that breaks its rule.
 */
export function createGpuWorker(options: GpuWorkerOptions): ComputeWorker {
  return new GpuWorker(requireOptions(optionsSchema, options));
}

class GpuWorker implements ComputeWorker {
  readonly id: string;
  readonly kind = "webgpu";
  readonly #lease: GpuLease;
  readonly #budgetBytes: number | undefined;
  readonly #jobs: JobQueue;

  constructor({ id, device, reopen, taskBudgetBytes }: GpuWorkerOptions) {
    this.id = id;
    this.#lease =
      device instanceof GpuLease ? device : leaseOf({ device, ...(reopen && { reopen }) });
    this.#budgetBytes = taskBudgetBytes;
    this.#jobs = new JobQueue(id, {
      run: (job, signal) => this.#run(job, signal),
      onFailure: (error) => {
        if (error instanceof DeviceLostError) this.#jobs.rejectWaiting(error);
      },
      release: this.#lease.retain(),
    });
  }

  multiply(task: Task, options: MultiplyTaskOptions): Promise<Matrix> {
    return this.#jobs.multiply(task, options);
  }

  /** Compiles the kernel of the first panel. What fails here fails again, and is heard of, in a task. */
  prepare(shape: ProductShape): void {
    void this.#compile(shape).catch(() => {});
  }

  async #compile({ rows, inner, cols }: ProductShape): Promise<void> {
    this.#jobs.requireOpen(); // or a lost device would be opened again for nobody
    const gpu = await this.#lease.current();
    await gpu.tuning;
    this.#jobs.requireOpen();
    await compileAhead(gpu, { m: rows, k: inner, n: cols }, this.#budgetOf(gpu));
  }

  #budgetOf({ software }: OpenGpu): number {
    return this.#budgetBytes ?? DEFAULT_BUDGET_BYTES[software ? "software" : "hardware"];
  }

  async #run(job: Job, signal: AbortSignal): Promise<Float32Array> {
    const gpu = await this.#lease.current();
    return multiplyOnGpu(gpu, job.task, {
      signal,
      onStarted: () => job.start(),
      budgetBytes: this.#budgetOf(gpu),
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#jobs[Symbol.asyncDispose]();
  }
}
