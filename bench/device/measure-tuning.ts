import {
  deviceKey,
  type GemmPrecision,
  type GemmShape,
  type GemmTuning,
  type TuneResult,
  tuneGemm,
} from "../../src/kernels/index.ts";
import { storedText } from "../../src/kernels/tuning/tuning-stored.ts";
import { kernelsVersion, textHash } from "../../src/kernels/tuning/tuning-version.ts";
import { nameOf } from "./measure-gemm.ts";
import type { TuningSummary } from "./record.ts";

export interface Tuned {
  readonly tuning: GemmTuning;
  readonly summary: TuningSummary;
  /** As anyk's own cache keeps it, and under which name. */
  readonly file: { readonly name: string; readonly text: string };
}

/** Tunes within the time that there is; shows every bucket's best as it is found. */
export async function tune(
  device: GPUDevice,
  job: {
    readonly shapes: readonly GemmShape[];
    readonly precisions: readonly GemmPrecision[];
    readonly budgetMs: number;
  },
): Promise<Tuned> {
  const result = await tuneGemm(device, {
    ...job,
    onProgress(event) {
      if (event.kind === "tuned") {
        const { bucket, best, gain } = event.result;
        console.log(
          `tuned ${bucket}: ${nameOf(best)}, ${best.gflops.toFixed(0)} GFLOP/s, ` +
            `${gain.toFixed(2)} times the planner's own`,
        );
      } else if (event.kind === "skipped") {
        console.log(`not tuned ${event.result.bucket}: ${event.result.reason}`);
      } else if (event.kind === "rejected") {
        const { candidate, reason } = event.candidate;
        console.log(`rejected ${event.target.bucket}: ${nameOf(candidate)}: ${reason}`);
      }
    },
  });
  const key = deviceKey(device);
  return {
    tuning: { choices: result.choices },
    summary: summaryOf(result),
    file: {
      name: `tuning-${textHash(key)}.json`,
      text: storedText({ key, kernels: kernelsVersion() }, { choices: result.choices }),
    },
  };
}

function summaryOf({ elapsedMs, buckets, skipped }: TuneResult): TuningSummary {
  return {
    elapsedMs,
    buckets: buckets.map(({ bucket, best, gain, measured, rejected }) => ({
      bucket,
      best: nameOf(best),
      gflops: best.gflops,
      gain,
      measured: measured.length,
      rejected: rejected.length,
    })),
    skipped: skipped.map(({ bucket, reason }) => ({ bucket, reason })),
  };
}
