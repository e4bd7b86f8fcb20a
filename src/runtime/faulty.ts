import { contiguousData, type Matrix } from "../core/matrix.ts";
import { seededRandom } from "../core/random.ts";
import type { ComputeWorker, MultiplyTaskOptions, Task } from "../core/worker.ts";
import { type Clock, systemClock } from "./clock.ts";
import { linkedAbort, orAborted } from "./signals.ts";
import {
  drawFault,
  type InjectedFault,
  requireModel,
  type StragglerModel,
} from "./straggler-model.ts";

/** A worker that straggles, fails or lies on purpose. */
export interface FaultyWorker extends ComputeWorker {
  /** What was injected into each task so far, by task index; the latest where one came twice. */
  readonly injected: ReadonlyMap<number, InjectedFault>;
}

/** What a dead worker rejects with. */
export class WorkerDiedError extends Error {
  override readonly name = "WorkerDiedError";
}

/**
 * Wraps a worker so that it straggles, fails or lies, from a seed. Disposing of the wrapper disposes
 * of the worker. Wrappers stack: `faulty(faulty(worker, delays), lies)`.
 *
 * @throws {InputError} when the model's parameters make no sense.
 */
export function faulty(
  worker: ComputeWorker,
  model: StragglerModel,
  options: { readonly clock?: Clock } = {},
): FaultyWorker {
  requireModel(model);
  const clock = options.clock ?? systemClock;
  const seed = "seed" in model ? (model.seed ?? 0) : 0;
  const random = seededRandom(seed, worker.id, model.kind);
  const injected = new Map<number, InjectedFault>();
  const death = model.kind === "dies" ? mortality(worker.id, model.afterMs, clock) : undefined;

  return {
    id: worker.id,
    kind: worker.kind,
    injected,
    async multiply(task, { signal, onStarted }) {
      const fault = drawFault(model, random);
      injected.set(task.index, fault);
      if (death) return death(task, worker, { signal, ...(onStarted && { onStarted }) });
      if (fault.delayMs === Number.POSITIVE_INFINITY) await forever(signal);
      else if (fault.delayMs > 0) await clock.sleep(fault.delayMs, signal);
      const product = await worker.multiply(task, { signal, ...(onStarted && { onStarted }) });
      return fault.wrong ? corrupted(product, random) : product;
    },
    roundings: (shape) => worker.roundings?.(shape) ?? shape.inner,
    prepare: (shape) => worker.prepare?.(shape),
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  };
}

/** Life ends `afterMs` after the first task; what is running then is aborted, what comes later refused. */
function mortality(id: string, afterMs: number, clock: Clock) {
  let diesAt: number | undefined;
  return async (
    task: Task,
    worker: ComputeWorker,
    { signal, onStarted }: MultiplyTaskOptions,
  ): Promise<Matrix> => {
    diesAt ??= clock.now() + afterMs;
    const left = diesAt - clock.now();
    const dead = new WorkerDiedError(`worker ${id} died ${afterMs} ms after its first task`);
    if (left <= 0) throw dead;
    using life = linkedAbort(signal);
    using timer = linkedAbort(signal);
    const killed = clock.sleep(left, timer.signal).then(() => life.abort(dead));
    killed.catch(() => {}); // aborted when the product is in time
    try {
      const product = worker.multiply(task, {
        signal: life.signal,
        ...(onStarted && { onStarted }),
      });
      return await orAborted(product, life.signal);
    } finally {
      timer.abort(undefined);
    }
  };
}

/** One entry, somewhere, off by the norm of its row (or by 1 in a row of zeros). */
function corrupted(product: Matrix, random: () => number): Matrix {
  const { rows, cols } = product;
  const data = Float32Array.from(contiguousData(product));
  const row = Math.floor(random() * rows);
  const col = Math.floor(random() * cols);
  let square = 0;
  for (let j = 0; j < cols; j++) square += data[row * cols + j]! ** 2;
  data[row * cols + col]! += Math.sqrt(square) || 1;
  return { rows, cols, rowStride: cols, data };
}

function forever(signal: AbortSignal): Promise<never> {
  return orAborted(new Promise<never>(() => {}), signal);
}
