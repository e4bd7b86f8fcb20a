import { ClosedError } from "../../src/core/errors.ts";
import type { Matrix } from "../../src/core/matrix.ts";
import type { ComputeWorker, Task } from "../../src/core/worker.ts";
import type { Clock } from "../../src/runtime/clock.ts";

/** A worker without a thread: multiplies in float32, every step rounded, after `takesMs` of its clock. */
export function inlineWorker(
  id: string,
  options: { readonly clock?: Clock; readonly takesMs?: number } = {},
): ComputeWorker & { readonly seen: number[]; readonly disposals: number } {
  const { clock, takesMs = 0 } = options;
  const seen: number[] = [];
  let disposals = 0;
  return {
    id,
    kind: "inline",
    seen,
    get disposals() {
      return disposals;
    },
    async multiply(task, { signal, onStarted }) {
      if (disposals > 0) throw new ClosedError(`worker ${id} is closed`);
      seen.push(task.index);
      onStarted?.();
      await clock?.sleep(takesMs, signal);
      signal.throwIfAborted();
      return float32Product(task);
    },
    async [Symbol.asyncDispose]() {
      disposals++;
    },
  };
}

/** A worker that does what `behave` says with the honest product within reach. */
export function scriptedWorker(
  id: string,
  behave: (task: Task, signal: AbortSignal, honest: () => Matrix) => Promise<Matrix>,
): ComputeWorker {
  return {
    id,
    kind: "scripted",
    multiply: (task, { signal }) => behave(task, signal, () => float32Product(task)),
    async [Symbol.asyncDispose]() {},
  };
}

/** Ã·B̃ with each product and each sum rounded to float32, in the order of the inner dimension. */
export function float32Product({ a, b }: Pick<Task, "a" | "b">): Matrix {
  const data = new Float32Array(a.rows * b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let l = 0; l < a.cols; l++) {
      const left = a.data[i * a.rowStride + l]!;
      for (let j = 0; j < b.cols; j++) {
        const at = i * b.cols + j;
        data[at] = data[at]! + Math.fround(left * b.data[l * b.rowStride + j]!);
      }
    }
  }
  return { rows: a.rows, cols: b.cols, rowStride: b.cols, data };
}
