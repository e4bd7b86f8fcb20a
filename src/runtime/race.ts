import type { TaskFailure } from "../core/errors.ts";
import type { Matrix } from "../core/matrix.ts";
import type { TaskEvent } from "../core/product.ts";
import type { ComputeWorker, Task } from "../core/worker.ts";
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
  readonly objection: (task: Task, product: Matrix, worker: ComputeWorker) => unknown;
  readonly clock: Clock;
  /** `clock.now()` of the call that times count from. */
  readonly startMs: number;
  readonly deadlineMs: number | undefined;
  readonly signal: AbortSignal;
  readonly onEvent: (event: TaskEvent, state: { received: number; failures: number }) => void;
}

/** "exhausted": no worker will take another task, and what arrived is not enough. */
type Verdict = "enough" | "deadline" | "exhausted";

export interface RaceOutcome {
  readonly verdict: Verdict;
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
export function race(options: RaceOptions): Promise<RaceOutcome> {
  return new Race(options).run();
}

class Race {
  readonly #options: RaceOptions;
  readonly #products = new Map<number, { product: Matrix; worker: ComputeWorker }>();
  readonly #failures: TaskFailure[] = [];
  readonly #timeline: TaskEvent[] = [];
  /** Tasks that were sent and not answered, with the worker that holds each. */
  readonly #running = new Map<number, ComputeWorker>();
  readonly #deadline = new AbortController();
  /** One a worker rather than one for all: Node warns of a leak at eleven listeners of one signal. */
  readonly #aborts: readonly AbortController[];
  #nextTask = 0;
  #open = true;
  #resolve: (verdict: Verdict) => void = () => {};
  #reject: (reason: unknown) => void = () => {};

  constructor(options: RaceOptions) {
    this.#options = options;
    this.#aborts = options.workers.map(() => new AbortController());
  }

  async run(): Promise<RaceOutcome> {
    const { signal, workers, clock, startMs } = this.#options;
    const onAbort = () => this.#fail(signal.reason);
    const verdict = new Promise<Verdict>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    this.#startDeadline();
    Promise.all(workers.map((worker, w) => this.#serve(worker, this.#aborts[w]!.signal))).then(
      () => this.#decide("exhausted"),
      (error: unknown) => this.#fail(error),
    );
    try {
      const decided = await verdict;
      const decidedAtMs = clock.now() - startMs;
      const stragglers = [...this.#running.keys()];
      for (const [task, worker] of this.#running) this.#emit(task, worker, "aborted");
      return {
        verdict: decided,
        products: this.#products,
        failures: this.#failures,
        stragglers,
        timeline: this.#timeline,
        decidedAtMs,
      };
    } finally {
      signal.removeEventListener("abort", onAbort);
      const reason = signal.aborted
        ? signal.reason
        : new DOMException("the race is decided", "AbortError");
      for (const abort of [this.#deadline, ...this.#aborts]) abort.abort(reason);
    }
  }

  /** Hands one worker task after task, for as long as there are any and it does not fail for good. */
  async #serve(worker: ComputeWorker, signal: AbortSignal): Promise<void> {
    const { tasks, source, clock } = this.#options;
    let failuresInARow = 0;
    while (this.#open && this.#nextTask < tasks && failuresInARow < MOST_FAILURES_IN_A_ROW) {
      const task = await source.task(this.#nextTask++, signal);
      if (!this.#open) return;
      const failed = await this.#attempt(worker, task, signal);
      if (!this.#open) return;
      failuresInARow = failed ? failuresInARow + 1 : 0;
      if (failed) await clock.sleep(FIRST_BACKOFF_MS * 4 ** (failuresInARow - 1), signal);
    }
  }

  /** One go at one task. Returns whether it failed; what happens after the decision is not heard. */
  async #attempt(worker: ComputeWorker, task: Task, signal: AbortSignal): Promise<boolean> {
    const { objection, enough } = this.#options;
    const { index } = task;
    this.#running.set(index, worker);
    this.#emit(index, worker, "sent");
    let started = false;
    const onStarted = () => {
      if (started || this.#running.get(index) !== worker) return;
      started = true;
      this.#emit(index, worker, "started");
    };
    let outcome: { readonly product: Matrix } | { readonly reason: unknown };
    try {
      outcome = { product: await worker.multiply(task, { signal, onStarted }) };
    } catch (reason) {
      outcome = { reason };
    }
    if (!this.#open) return false;
    if ("product" in outcome) {
      onStarted(); // for workers that do not report it
      const reason = objection(task, outcome.product, worker);
      if (reason !== undefined) outcome = { reason };
    }
    this.#running.delete(index);
    if ("reason" in outcome) {
      this.#failures.push({ task: index, reason: outcome.reason });
      this.#emit(index, worker, "failed");
      return true;
    }
    this.#products.set(index, { product: outcome.product, worker });
    this.#emit(index, worker, "finished");
    if (enough(this.#products)) this.#decide("enough");
    return false;
  }

  #startDeadline(): void {
    const { deadlineMs, clock, startMs } = this.#options;
    if (deadlineMs === undefined) return;
    const leftMs = Math.max(0, startMs + deadlineMs - clock.now());
    clock.sleep(leftMs, this.#deadline.signal).then(
      () => this.#decide("deadline"),
      () => {}, // the race was decided before
    );
  }

  /** What the listener throws ends the race: it must not look like a failure of the worker. */
  #emit(task: number, { id }: ComputeWorker, kind: TaskEvent["kind"]): void {
    const { clock, startMs, onEvent } = this.#options;
    const event: TaskEvent = { task, worker: id, kind, atMs: clock.now() - startMs };
    this.#timeline.push(event);
    const state = { received: this.#products.size, failures: this.#failures.length };
    try {
      onEvent(event, state);
    } catch (error) {
      if (!this.#open) throw error; // of `run`, telling of the stragglers
      this.#fail(error);
    }
  }

  #decide(verdict: Verdict): void {
    if (!this.#open) return;
    this.#open = false;
    this.#resolve(verdict);
  }

  #fail(reason: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.#reject(reason);
  }
}
