import type { Matrix } from "./matrix.ts";

/** One coded product to be made: Ã·B̃. Both operands are views that the worker only reads. */
export interface Task {
  /** Which task of the code this is, 0 … tasks-1. */
  readonly index: number;
  readonly a: Matrix;
  readonly b: Matrix;
}

/** What a worker is told besides the task. */
export interface MultiplyTaskOptions {
  /** Aborts when nobody wants the product any more; the worker then rejects with its reason. */
  readonly signal: AbortSignal;
  /** Called once when the work itself begins, after any wait in a queue. Optional for workers. */
  readonly onStarted?: () => void;
}

/**
 * Whatever multiplies two matrices: a GPU queue, a CPU thread, a peer. It may be slow, silent or
 * wrong; the runtime counts on nothing but the promise.
 *
 * `multiply` may be called again while earlier calls are pending. The product is the caller's: the
 * worker neither keeps nor reuses its memory.
 */
export interface ComputeWorker extends AsyncDisposable {
  readonly id: string;
  /** "webgpu", "cpu", … */
  readonly kind: string;
  multiply(task: Task, options: MultiplyTaskOptions): Promise<Matrix>;
  /**
   * The most float32 roundings that any term of the sums in a product of this shape takes part in: the
   * worker promises |Ĉ − A·B| ≤ γ_r |A||B| for the r returned. Summing in blocks makes it, and with it
   * the bound of a result, far smaller than the default, `inner`, which holds for any order.
   */
  roundings?(shape: ProductShape): number;
  /**
   * Says that tasks of this shape are about to come, so that a worker may compile what it needs while
   * others encode and upload. A hint: nothing waits for it, and it must not throw.
   */
  prepare?(shape: ProductShape): void;
}

/** A product of rows×inner and inner×cols. */
export interface ProductShape {
  readonly rows: number;
  readonly inner: number;
  readonly cols: number;
}
