import type { TaskFailure } from "../core/errors.ts";
import type { Matrix } from "../core/matrix.ts";
import type { TaskEvent } from "../core/product.ts";
import type { ComputeWorker } from "../core/worker.ts";
import type { Clock } from "./clock.ts";
import type { TaskSource } from "./task-source.ts";

/** After this many failures in a row a worker gets no more tasks of this job. */
const MOST_FAILURES_IN_A_ROW = 3;
/** Wait after a first failure; each further one in a row waits four times as long. */
const FIRST_BACKOFF_MS = 25;

/** Products by task, in order of arrival. */
export type Arrivals = ReadonlyMap<
  number,
  { readonly product: Matrix; readonly worker: ComputeWorker }
>;

export interface RaceOptions {
  /** How many tasks there are; they are handed out in order. */
  readonly tasks: number;
  readonly source: TaskSource;
  readonly workers: readonly ComputeWorker[];
  /** Whether the products that have arrived are enough. Asked after every arrival. */
  readonly enough: (products: Arrivals) => boolean;
  /** Why a product does not count, or undefined when it does. */
  readonly objection: (
    task: { readonly index: number; readonly a: Matrix; readonly b: Matrix },
    product: Matrix,
  ) => unknown;
  readonly clock: Clock;
  /** `clock.now()` of the call that times count from. */
  readonly startMs: number;
  readonly deadlineMs: number | undefined;
  readonly signal: AbortSignal;
  readonly onEvent: (event: TaskEvent, state: { received: number; failures: number }) => void;
}

export interface RaceOutcome {
  /** "exhausted": no worker will take another task, and what arrived is not enough. */
  readonly verdict: "enough" | "deadline" | "exhausted";
  readonly products: Arrivals;
  readonly failures: readonly TaskFailure[];
  /** Tasks that were running when the race was decided. */
  readonly stragglers: readonly number[];
  readonly timeline: readonly TaskEvent[];
  readonly decidedAtMs: number;
}

/**
 * Lets workers pull tasks until enough products are in, then aborts the rest. A worker that ignores
 * its signal delays nothing: its task is a straggler, and what it says later goes unheard.
 *
 * A worker that fails waits a moment before its next task, so that one that fails at once does not
 * devour the tasks of those that work; after three failures in a row it gets no more.
 *
 * @throws `signal.reason` as soon as `signal` aborts; whatever encoding or `onEvent` throws.
 */
export async function race(options: RaceOptions): Promise<RaceOutcome> {
  const { tasks, source, workers, enough, clock, startMs, deadlineMs } = options;
  // One controller a worker rather than one signal for all: Node warns of a leak where a signal has
  // more than ten listeners.
  const serving = workers.map((worker) => ({ worker, abort: new AbortController() }));
  const deadline = new AbortController();
  const products = new Map<number, { product: Matrix; worker: ComputeWorker }>();
  const failures: TaskFailure[] = [];
  const timeline: TaskEvent[] = [];
  const running = new Map<number, string>();
  let nextTask = 0;
  let open = true;
  let onCallerAbort = () => {};

  const emit = (task: number, worker: string, kind: TaskEvent["kind"]) => {
    const event: TaskEvent = { task, worker, kind, atMs: clock.now() - startMs };
    timeline.push(event);
    options.onEvent(event, { received: products.size, failures: failures.length });
  };

  const verdict = new Promise<RaceOutcome["verdict"]>((resolve, reject) => {
    const settle = (finish: () => void) => {
      if (!open) return;
      open = false;
      finish();
    };
    const fail = (error: unknown) => settle(() => reject(error));

    const serve = async (worker: ComputeWorker, signal: AbortSignal) => {
      let failuresInARow = 0;
      while (open && nextTask < tasks && failuresInARow < MOST_FAILURES_IN_A_ROW) {
        const index = nextTask++;
        const task = await source.task(index, signal);
        if (!open) return;
        running.set(index, worker.id);
        emit(index, worker.id, "sent");
        let started = false;
        const onStarted = () => {
          if (!open || started || !running.has(index)) return;
          started = true;
          emit(index, worker.id, "started");
        };
        let reason: unknown;
        let failed = false;
        try {
          const product = await worker.multiply(task, { signal, onStarted });
          if (!open) return;
          onStarted(); // for workers that do not report it
          reason = options.objection(task, product);
          failed = reason !== undefined;
          if (!failed) products.set(index, { product, worker });
        } catch (error) {
          failed = true;
          reason = error;
        }
        if (!open) return;
        running.delete(index);
        if (!failed) {
          failuresInARow = 0;
          emit(index, worker.id, "finished");
          if (enough(products)) settle(() => resolve("enough"));
          continue;
        }
        failures.push({ task: index, reason });
        emit(index, worker.id, "failed");
        failuresInARow++;
        await clock.sleep(FIRST_BACKOFF_MS * 4 ** (failuresInARow - 1), signal);
      }
    };

    onCallerAbort = () => fail(options.signal.reason);
    options.signal.addEventListener("abort", onCallerAbort, { once: true });
    if (options.signal.aborted) onCallerAbort();
    if (deadlineMs !== undefined) {
      clock.sleep(Math.max(0, startMs + deadlineMs - clock.now()), deadline.signal).then(
        () => settle(() => resolve("deadline")),
        () => {}, // the race was decided before
      );
    }
    Promise.all(serving.map(({ worker, abort }) => serve(worker, abort.signal))).then(
      () => settle(() => resolve("exhausted")),
      fail,
    );
  });

  try {
    const outcome = await verdict;
    const decidedAtMs = clock.now() - startMs;
    const stragglers = [...running.keys()];
    for (const [task, worker] of running) emit(task, worker, "aborted");
    return { verdict: outcome, products, failures, stragglers, timeline, decidedAtMs };
  } finally {
    options.signal.removeEventListener("abort", onCallerAbort);
    const reason = options.signal.aborted
      ? options.signal.reason
      : new DOMException("the race is decided", "AbortError");
    deadline.abort(reason);
    for (const { abort } of serving) abort.abort(reason);
  }
}
