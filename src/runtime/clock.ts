/** Time, as the runtime sees it. Passed in, so that races and faults can be replayed. */
export interface Clock {
  /** Milliseconds from some fixed point, never going back. */
  now(): number;
  /** Resolves after `ms`; rejects with `signal.reason` as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** setTimeout counts in 32 bits and fires at once beyond them. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The clock on the wall. */
export const systemClock: Clock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    for (let left = ms; left >= 0; left -= LONGEST_TIMEOUT_MS) {
      await timeout(Math.min(left, LONGEST_TIMEOUT_MS), signal);
    }
    signal?.throwIfAborted();
  },
};

function timeout(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
