/** How long one submit is meant to run: an abort, or another worker of the device, waits for it. */
const TARGET_MS = 50;
/** A first guess errs on the side of short submits; the first long product corrects it. */
const FIRST_GUESS_FLOPS_PER_MS = { software: 1e6, hardware: 2e8 };
/** The clock and the polling for completion know no finer steps. */
const FINEST_MS = 1;

/** How much to submit at once, and what became of it. */
export interface Pace {
  /** Floating-point operations of one submit: a power of two, so that few plans differ. */
  readonly flopsPerSubmit: number;
  /** Learns from a submit of `flops` that was made just now and is complete when `done` resolves. */
  observe(flops: number, done: Promise<unknown>): Promise<void>;
}

/**
 * Learns how much work makes a submit of about 50 ms on one device. Shared by all who submit gemms
 * to it, since its queue runs one submit after another.
 */
export class LearnedPace implements Pace {
  readonly #now: () => number;
  #flopsPerMs: number;
  #lastEndMs = Number.NEGATIVE_INFINITY;

  /** `software`: whether the device computes on the CPU. `now`: a clock in ms. */
  constructor(software: boolean, now: () => number = () => performance.now()) {
    this.#now = now;
    this.#flopsPerMs = FIRST_GUESS_FLOPS_PER_MS[software ? "software" : "hardware"];
  }

  get flopsPerSubmit(): number {
    return 2 ** Math.floor(Math.log2(this.#flopsPerMs * TARGET_MS));
  }

  async observe(flops: number, done: Promise<unknown>): Promise<void> {
    const submittedMs = this.#now();
    await done;
    const endMs = this.#now();
    // While the queue was busy with earlier submits, this one had not begun.
    const beginMs = Math.max(submittedMs, this.#lastEndMs);
    this.#lastEndMs = endMs;
    this.#learn(flops, Math.max(endMs - beginMs, FINEST_MS));
  }

  #learn(flops: number, ms: number): void {
    const ratio = flops / ms / this.#flopsPerMs;
    // A small submit takes its time for other reasons than work.
    if (ratio < 1 && flops < this.flopsPerSubmit / 2) return;
    // One measurement may be far off: the driver compiled, or two completions were seen at once.
    this.#flopsPerMs *= Math.min(2, Math.max(1 / 4, ratio));
  }
}
