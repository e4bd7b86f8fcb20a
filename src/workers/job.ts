import { type Matrix, matrix } from "../core/matrix.ts";
import type { MultiplyTaskOptions, Task } from "../core/worker.ts";
import { type GemmShape, shapeOf } from "./operands.ts";

/** One call of `multiply`, which settles once: with a product, a reason, or its signal's reason. */
export class Job {
  readonly task: Task;
  readonly shape: GemmShape;
  readonly product: Promise<Matrix>;
  readonly #options: MultiplyTaskOptions;
  #started = false;
  #outcome: { resolve(product: Matrix): void; reject(reason: unknown): void } | undefined;

  /**
   * `onAbort` is called when the signal aborts before the job is settled otherwise.
   *
   * @throws {ShapeError} when the task has no product.
   * @throws `signal.reason` when it has aborted already.
   */
  constructor(task: Task, options: MultiplyTaskOptions, onAbort: (job: Job) => void) {
    const { signal } = options;
    signal.throwIfAborted();
    this.task = task;
    this.shape = shapeOf(task);
    this.#options = options;
    this.product = new Promise((resolve, reject) => {
      const abort = () => {
        this.reject(signal.reason);
        onAbort(this);
      };
      signal.addEventListener("abort", abort);
      const finish = () => {
        this.#outcome = undefined;
        signal.removeEventListener("abort", abort);
      };
      this.#outcome = {
        resolve(product) {
          finish();
          resolve(product);
        },
        reject(reason) {
          finish();
          reject(reason);
        },
      };
    });
  }

  /**
   * Tells the caller that the work begins, the first time it is called; nothing after the job is
   * settled. If the caller throws, the job is rejected with that.
   */
  start(): void {
    if (this.#started || !this.#outcome) return;
    this.#started = true;
    try {
      this.#options.onStarted?.();
    } catch (error) {
      this.reject(error);
    }
  }

  /** Delivers C (m·n, contiguous, the caller's from now on). Nothing after the job is settled. */
  resolve(c: Float32Array): void {
    this.#outcome?.resolve(matrix(this.shape.m, this.shape.n, c));
  }

  /** Nothing after the job is settled. */
  reject(reason: unknown): void {
    this.#outcome?.reject(reason);
  }
}
