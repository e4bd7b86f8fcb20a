import { createStopwatch, wallStopwatch } from "../../src/kernels/tuning/tune-stopwatch.ts";
import { type Summary, summarize } from "../statistics.ts";

/** Appends work to an encoder. */
type Recorder = (encoder: GPUCommandEncoder) => void;

/** Takes times on a device. */
export interface Timer extends Disposable {
  /** ms of one repetition, from as many as fill a sample. */
  sample(work: Work): Promise<number>;
  /** All works in turn, round after round, so that what disturbs the device disturbs them alike. */
  compare<Name extends string>(works: Readonly<Record<Name, Work>>): Promise<Record<Name, Summary>>;
}

interface Work {
  readonly record: Recorder;
  /** Compute passes of one repetition, at most. */
  readonly passes: number;
  /**
   * By the device's own timestamps where it has them, the default, or by the host's clock: passes alone
   * have timestamps, so copies and what is compared with them go by the clock.
   */
  readonly by?: "timestamps" | "clock";
}

/** Passes that one measurement may have. */
const MOST_PASSES = 2000;
const MOST_REPETITIONS = 1000;
/** A sample by the clock is so much longer, so that submitting and waiting are a small part of it. */
const CLOCK_FACTOR = 4;

export function createTimer(
  device: GPUDevice,
  { sampleMs, samples }: { readonly sampleMs: number; readonly samples: number },
): Timer {
  const stopwatches = { timestamps: createStopwatch(device), clock: wallStopwatch(device) };
  const { signal } = new AbortController();
  const expected = new WeakMap<Work, number>();
  const run = ({ by = "timestamps", record }: Work, repetitions: number) =>
    stopwatches[by].time((encoder) => {
      for (let i = 0; i < repetitions; i++) record(encoder);
    }, signal);
  const sample = async (work: Work) => {
    const known = expected.get(work) ?? (await run(work, 1));
    const targetMs = work.by === "clock" ? CLOCK_FACTOR * sampleMs : sampleMs;
    const most = Math.min(MOST_REPETITIONS, Math.floor(MOST_PASSES / Math.max(1, work.passes)));
    const repetitions = Math.max(1, Math.min(most, Math.round(targetMs / known)));
    const ms = (await run(work, repetitions)) / repetitions;
    expected.set(work, ms);
    return ms;
  };
  return {
    sample,
    async compare(works) {
      const entries = Object.entries<Work>(works);
      const taken = entries.map((): number[] => []);
      // The first round wakes the clocks up and does not count.
      for (let round = 0; round <= samples; round++) {
        for (let i = 0; i < entries.length; i++) {
          const at = (i + round) % entries.length;
          const ms = await sample(entries[at]![1]);
          if (round > 0) taken[at]!.push(ms);
        }
      }
      const summaries = entries.map(([name], at) => [name, summarize(taken[at]!)]);
      return Object.fromEntries(summaries) as Record<keyof typeof works, Summary>;
    },
    [Symbol.dispose]() {
      for (const stopwatch of Object.values(stopwatches)) stopwatch[Symbol.dispose]();
    },
  };
}
