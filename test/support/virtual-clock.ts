import type { Clock } from "../../src/runtime/clock.ts";

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** Time that passes only when everything waits for it, so that races replay exactly. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const sleeper = { atMs: this.#nowMs + ms, wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /**
   * Runs until `promise` settles, moving time to the next sleeper whenever nothing else can happen.
   * Throws when it can never settle: nobody sleeps and nobody works.
   */
  async drive<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const done = promise.finally(() => {
      settled = true;
    });
    done.catch(() => {}); // awaited below
    while (!settled) {
      await idle();
      if (settled) break;
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (first, sleeper) => (first && first.atMs <= sleeper.atMs ? first : sleeper),
        undefined,
      );
      if (!next) throw new Error(`hung at ${this.#nowMs} ms: nothing can happen any more`);
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      this.#nowMs = next.atMs;
      next.wake();
    }
    return done;
  }
}

/** Lets every promise that can settle do so: a macrotask runs after all microtasks. */
function idle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
