/**
 * @file Keeps Dawn from keeping a core busy. While a promise of WebGPU is pending, Dawn polls its driver from
 * `setImmediate` as fast as the event loop turns; a software driver wants that very core.
 */

/** A wait is polled for as fast as it goes this long, so that short ones stay short. */
const SPIN_MS = 2;
/**
 * With a software driver shorter, then with naps between two polls, and later from timers, which come once
 * a millisecond at best. (With timers alone, products of 3 to 8 ms took up to 60 % longer on lavapipe with
 * two cores, and with spinning alone the driver lacks one of them.)
 */
const SPIN_BEFORE_NAPS_MS = 0.7;
const NAP_UNTIL_MS = 10;
const NAP_MS = 0.2;
const TIMER_MS = 1;
/** With more than this since the last poll, something else has work for this thread, and it takes no nap. */
const BUSY_MS = 0.1;

const installed = Symbol.for("anyk.throttledPolling");

let napsAllowed = false;

/** Lets this thread sleep for 0.2 ms at a time while it waits for a driver that computes on its cores. */
export function allowNaps(): void {
  napsAllowed = true;
}

/** How the next poll of a wait that began `waitedMs` ago comes about. Pure. */
export function nextPoll(waitedMs: number, naps: boolean): "spin" | "nap" | "timer" {
  if (waitedMs < (naps ? SPIN_BEFORE_NAPS_MS : SPIN_MS)) return "spin";
  return naps && waitedMs < NAP_UNTIL_MS ? "nap" : "timer";
}

/**
 * Throttles Dawn's polls. Dawn looks `setImmediate` up on the global object, so the only way in is to
 * replace it there. The replacement hands every callback but Dawn's to the original as it came.
 */
export function throttlePolling(): void {
  const original = globalThis.setImmediate;
  if (installed in original) return;
  let polling = false;
  let waitBeganMs = 0;
  let polledMs = 0;
  let rested = false; // one nap a turn of the event loop, however many instances of Dawn there are

  const replacement = (callback: (...args: unknown[]) => void, ...args: unknown[]) => {
    if (args.length > 0 || !isDawnPoll(callback)) return original(callback, ...args);
    // Dawn goes on polling from within a poll; a call from anywhere else begins a new wait.
    const nowMs = performance.now();
    if (!polling) waitBeganMs = nowMs;
    const way = nextPoll(nowMs - waitBeganMs, napsAllowed);
    const poll = () => {
      if (way === "nap" && !rested && performance.now() - polledMs < BUSY_MS) {
        rested = true;
        // Before the polls that are yet to be queued.
        original(() => {
          rested = false;
        });
        nap();
      }
      polling = true;
      try {
        callback();
      } finally {
        polling = false;
        polledMs = performance.now();
      }
    };
    return way === "timer" ? setTimeout(poll, TIMER_MS) : original(poll);
  };
  // The original carries `util.promisify.custom`, without which promisify(setImmediate) breaks.
  Object.defineProperties(replacement, Object.getOwnPropertyDescriptors(original));
  Object.defineProperty(replacement, installed, { value: true });
  globalThis.setImmediate = replacement as unknown as typeof setImmediate;
}

const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

function nap(): void {
  try {
    Atomics.wait(never, 0, 0, NAP_MS);
  } catch {
    napsAllowed = false; // a thread that may not wait, as that of a page in Electron
  }
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
