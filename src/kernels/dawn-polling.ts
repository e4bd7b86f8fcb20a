/** A wait is polled for eagerly this long, so that short ones stay short. */
const EAGER_MS = 2;
const SLOW_POLL_MS = 1;

const installed = Symbol.for("anyk.throttledPolling");

/**
 * Stops Dawn from keeping a core busy. While a promise of WebGPU is pending, Dawn polls its driver
 * from `setImmediate` as fast as the event loop turns; a software driver wants that very core. Here
 * its polls come once a millisecond after a short eager phase.
 *
 * Dawn looks `setImmediate` up on the global object, so the only way in is to replace it there. The
 * replacement hands every callback but Dawn's to the original as it came.
 */
export function throttlePolling(): void {
  const original = globalThis.setImmediate;
  if (installed in original) return;
  let polling = false;
  let waitBeganMs = 0;

  const replacement = (callback: (...args: unknown[]) => void, ...args: unknown[]) => {
    if (args.length > 0 || !isDawnPoll(callback)) return original(callback, ...args);
    // Dawn goes on polling from within a poll; a call from anywhere else begins a new wait.
    const nowMs = performance.now();
    if (!polling) waitBeganMs = nowMs;
    const poll = () => {
      polling = true;
      try {
        callback();
      } finally {
        polling = false;
      }
    };
    return nowMs - waitBeganMs < EAGER_MS ? original(poll) : setTimeout(poll, SLOW_POLL_MS);
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
