/** A wait is polled for as fast as it goes this long, so that short ones stay short … */
const EAGER_MS = 0.7;
/** … then with naps between two polls, which leave the core to a software driver … */
const NAP_MS = 0.2;
/** … and after this long from timers, which come once a millisecond at best. */
const NAPPING_MS = 10;
const SLOW_POLL_MS = 1;
/** With more than this between two polls, something else has work for this thread, and it takes no nap. */
const BUSY_MS = 0.1;

const installed = Symbol.for("anyk.throttledPolling");

/**
 * Stops Dawn from keeping a core busy. While a promise of WebGPU is pending, Dawn polls its driver
 * from `setImmediate` as fast as the event loop turns; a software driver wants that very core. Here
 * its polls come at intervals of 0.2 ms after a short eager phase, and later of 1 ms. (With timers alone,
 * products of 3 to 8 ms took up to 60 % longer on lavapipe with two cores.)
 *
 * Dawn looks `setImmediate` up on the global object, so the only way in is to replace it there. The
 * replacement hands every callback but Dawn's to the original as it came.
 */
export function throttlePolling(): void {
  const original = globalThis.setImmediate;
  if (installed in original) return;
  const napping = new Int32Array(new SharedArrayBuffer(4));
  let polling = false;
  let waitBeganMs = 0;
  let polledMs = 0;

  const replacement = (callback: (...args: unknown[]) => void, ...args: unknown[]) => {
    if (args.length > 0 || !isDawnPoll(callback)) return original(callback, ...args);
    // Dawn goes on polling from within a poll; a call from anywhere else begins a new wait.
    const nowMs = performance.now();
    if (!polling) waitBeganMs = nowMs;
    const waitedMs = nowMs - waitBeganMs;
    const poll = () => {
      const idle = performance.now() - polledMs < BUSY_MS;
      if (waitedMs >= EAGER_MS && waitedMs < NAPPING_MS && idle) {
        Atomics.wait(napping, 0, 0, NAP_MS);
      }
      polling = true;
      try {
        callback();
      } finally {
        polling = false;
        polledMs = performance.now();
      }
    };
    return waitedMs < NAPPING_MS ? original(poll) : setTimeout(poll, SLOW_POLL_MS);
  };
  // The original carries `util.promisify.custom`, without which promisify(setImmediate) breaks.
  Object.defineProperties(replacement, Object.getOwnPropertyDescriptors(original));
  Object.defineProperty(replacement, installed, { value: true });
  globalThis.setImmediate = replacement as unknown as typeof setImmediate;
}

/** Dawn's callback is a nameless native function. A bound one is native too, but has no prototype. */
function isDawnPoll(callback: unknown): boolean {
  return (
    typeof callback === "function" &&
    callback.name === "" &&
    Object.hasOwn(callback, "prototype") &&
    Function.prototype.toString.call(callback).includes("[native code]")
  );
}
