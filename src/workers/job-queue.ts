import { ClosedError } from "../core/errors.ts";
import type { Matrix } from "../core/matrix.ts";
import type { MultiplyTaskOptions, Task } from "../core/worker.ts";
import { Job } from "./job.ts";
import { asLimitError } from "./operands.ts";

/** What one kind of worker does with the jobs of its queue. */
export interface JobRunner {
  /**
   * The product of a job, m·n, contiguous, in new memory. Calls `job.start` when the work begins, and
   * rejects soon after the signal aborts.
   */
  run(job: Job, signal: AbortSignal): Promise<Float32Array>;
  /** Called when a job has been rejected with `error`, before the next one begins. Never rejects. */
  onFailure(error: unknown): void | Promise<void>;
  /** Called once, when the queue was disposed of and nothing runs any more. */
  release(): void | Promise<void>;
}

/**
 * The calls of one worker's `multiply`, run one at a time in their order. Each settles once: with its
 * product, with what `run` rejected with, with its signal's reason as soon as that aborts, or with a
 * ClosedError when the queue is or has been disposed of.
 */
export class JobQueue implements AsyncDisposable {
  readonly #workerId: string;
  readonly #runner: JobRunner;
  readonly #waiting: Job[] = [];
  #running: { readonly job: Job; readonly stop: AbortController } | undefined;
  /** Resolves when nothing waits or runs any more. */
  #drained: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(workerId: string, runner: JobRunner) {
    this.#workerId = workerId;
    this.#runner = runner;
  }

  /** Whether the queue is or has been disposed of. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** @throws {ClosedError} when the queue is or has been disposed of. */
  requireOpen(): void {
    if (this.isClosed) throw new ClosedError(`worker ${this.#workerId} has been disposed of`);
  }

  async multiply(task: Task, options: MultiplyTaskOptions): Promise<Matrix> {
    this.requireOpen();
    const job = new Job(task, options, () => this.#abandon(job));
    this.#waiting.push(job);
    if (this.#waiting.length === 1 && !this.#running) this.#drained = this.#drain();
    return job.product;
  }

  /** Rejects all jobs that have not begun. */
  rejectWaiting(reason: unknown): void {
    for (const job of this.#waiting.splice(0)) job.reject(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const reason = new ClosedError(`worker ${this.#workerId} was disposed of`);
    this.rejectWaiting(reason);
    this.#running?.job.reject(reason);
    this.#running?.stop.abort(reason);
    await this.#drained;
    await this.#runner.release();
  }

  /** Never rejects. */
  async #drain(): Promise<void> {
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
      const stop = new AbortController();
      this.#running = { job, stop };
      try {
        job.resolve(await this.#runner.run(job, stop.signal));
      } catch (error) {
        const { m, k, n } = job.shape;
        job.reject(asLimitError(error, `a product ${m}×${k}×${n} on worker ${this.#workerId}`));
        await this.#runner.onFailure(error);
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
