import { DeviceLimitError, InputError } from "../../core/errors.ts";
import { describeDevice } from "../device/device.ts";
import { raceWithLoss } from "../device/device-loss.ts";
import { gemmKernels } from "../gemm/gemm-families.ts";
import type { GemmPrecision, GemmShape } from "../gemm/gemm-family.ts";
import { type GemmPlan, gemmCandidates, planGemm } from "../gemm/gemm-plan.ts";
import { TuneBench } from "./tune-bench.ts";
import { neighbours } from "./tune-neighbours.ts";
import {
  CandidateError,
  type CandidateTiming,
  type RejectedCandidate,
  type SearchOutcome,
  searchBest,
} from "./tune-search.ts";
import { defaultShapes } from "./tune-shapes.ts";
import { type GemmCandidate, type GemmTuning, gemmBucket } from "./tuning.ts";

/** What is to be tuned, and how thoroughly. Every field is optional. */
export interface TuneOptions {
  /**
   * Each stands for its bucket; of several in one bucket the first is measured. Default: those that stand
   * for what is multiplied most.
   */
  readonly shapes?: readonly GemmShape[];
  /** Default: "f32" alone. */
  readonly precisions?: readonly GemmPrecision[];
  /** Which of A and B are stored transposed. Default: neither. */
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** No new measurement begins after this. Default: two minutes. */
  readonly budgetMs?: number;
  /**
   * At most so many candidates are compiled for a bucket. Default 24. Never more than 3 on a device that
   * computes on the CPU, where each takes long.
   */
  readonly maxCandidates?: number;
  /** Stops within the submit that is running, some 100 ms. */
  readonly signal?: AbortSignal;
  /** Called synchronously; what it throws ends the tuning. */
  readonly onProgress?: (event: TuneProgress) => void;
}

/** A candidate and how fast it was. */
export interface MeasuredCandidate extends GemmCandidate {
  /** Median for one product. */
  readonly ms: number;
  /** 2·m·k·n floating-point operations in that time, in 10⁹ a second. */
  readonly gflops: number;
  readonly samples: number;
}

/** What one product was measured for. */
export interface TuneTarget {
  readonly bucket: string;
  readonly shape: GemmShape;
  readonly precision: GemmPrecision;
}

/** What was found for one bucket. */
export interface TunedBucket extends TuneTarget {
  /** The planner's own choice without tuning; undefined when it could not run. */
  readonly own: MeasuredCandidate | undefined;
  /** The fastest: the planner's own unless another is faster by more than 3 %. */
  readonly best: MeasuredCandidate;
  /** How many times as fast the best is as the planner's own choice. */
  readonly gain: number;
  /** Of all that ran, the fastest first. */
  readonly measured: readonly MeasuredCandidate[];
  /** Candidates that did not compile or were wrong. */
  readonly rejected: readonly RejectedCandidate[];
}

/** A bucket without a result, and why. */
export interface SkippedBucket extends TuneTarget {
  readonly reason: string;
}

/** Choices, to be handed to `planGemm` as `tuned`, and all that they rest on. */
export interface TuneResult extends GemmTuning {
  readonly buckets: readonly TunedBucket[];
  readonly skipped: readonly SkippedBucket[];
  readonly elapsedMs: number;
}

/** Where tuning stands. `index` counts the buckets from 0, `count` is how many there are. */
export type TuneProgress = { readonly index: number; readonly count: number } & (
  | { readonly kind: "begun"; readonly target: TuneTarget }
  | {
      readonly kind: "measured";
      readonly target: TuneTarget;
      readonly candidate: MeasuredCandidate;
    }
  | {
      readonly kind: "rejected";
      readonly target: TuneTarget;
      readonly candidate: RejectedCandidate;
    }
  | { readonly kind: "tuned"; readonly result: TunedBucket }
  | { readonly kind: "skipped"; readonly result: SkippedBucket }
);

const DEFAULT_BUDGET_MS = 120_000;
const DEFAULT_CANDIDATES = 24;
const MOST_ON_SOFTWARE = 3;
/** With so many workgroups a device is busy without slices of k. */
const ENOUGH_WORKGROUPS = 1024;

/**
 * Measures which kernel is fastest for which products on a device. Every candidate's product is checked
 * exactly, element by element, before it is timed; one that is wrong is rejected. The time is shared out
 * among the buckets, small ones first.
 *
 * Needs memory for the operands of one shape at a time, and gives it back. Nothing else should use the
 * device meanwhile, or the measurements are off. Nothing is kept: see `openTuningCache`.
 *
 * @throws {ShapeError} for a shape that is none; {InputError} for an option out of range.
 * @throws {DeviceLostError} when the device is lost.
 * @throws `signal.reason` when `signal` aborts first; `onProgress` has told what was found by then.
 */
export async function tuneGemm(device: GPUDevice, options: TuneOptions = {}): Promise<TuneResult> {
  const { signal = new AbortController().signal, onProgress } = options;
  const { budgetMs, maxCandidates } = limitsOf(device, options);
  const targets = targetsOf(device, options);
  const beganMs = performance.now();
  const deadlineMs = beganMs + budgetMs;
  const buckets: TunedBucket[] = [];
  const skipped: SkippedBucket[] = [];
  for (const [index, target] of targets.entries()) {
    signal.throwIfAborted();
    await raceWithLoss(device, Promise.resolve(), signal);
    const at = { index, count: targets.length };
    const skip = (reason: string) => {
      const result = { ...target, reason };
      skipped.push(result);
      onProgress?.({ ...at, kind: "skipped", result });
    };
    const leftMs = deadlineMs - performance.now();
    if (leftMs <= 0) {
      skip("no time was left");
      continue;
    }
    onProgress?.({ ...at, kind: "begun", target });
    try {
      const result = await tuneBucket(device, target, {
        options,
        maxCandidates,
        deadlineMs: performance.now() + leftMs / (targets.length - index),
        signal,
        onCandidate: (event) =>
          onProgress?.(
            "ms" in event
              ? { ...at, kind: "measured", target, candidate: measured(target, event) }
              : { ...at, kind: "rejected", target, candidate: event },
          ),
      });
      buckets.push(result);
      onProgress?.({ ...at, kind: "tuned", result });
    } catch (error) {
      if (!(error instanceof CandidateError || error instanceof DeviceLimitError)) throw error;
      skip(error.message);
    }
  }
  const choices = Object.fromEntries(
    buckets.map(({ bucket, best: { family, config } }) => [bucket, { family, config }]),
  );
  return { choices, buckets, skipped, elapsedMs: performance.now() - beganMs };
}

async function tuneBucket(
  device: GPUDevice,
  target: TuneTarget,
  job: {
    readonly options: TuneOptions;
    readonly maxCandidates: number;
    readonly deadlineMs: number;
    readonly signal: AbortSignal;
    readonly onCandidate: (event: CandidateTiming | RejectedCandidate) => void;
  },
): Promise<TunedBucket> {
  const { shape, precision } = target;
  const { transposeA = false, transposeB = false } = job.options;
  const layout = { precision, transposeA, transposeB };
  planGemm(shape, device, layout); // says best what stands in the way, if anything does
  const candidates = gemmCandidates(shape, device, layout);
  using bench = await TuneBench.create(device, { shape, layout }, job.signal);
  const outcome = await searchBest(candidates, {
    maxCandidates: job.maxCandidates,
    prepare: (candidate) => bench.prepare(candidate),
    neighboursOf(candidate) {
      const plan = planned(candidate);
      if (!plan) return [];
      const [width = 1, height = 1] = plan.tiles[0]?.workgroups ?? [];
      const slices = plan.tiles[0]?.slices?.count ?? 1;
      const maySlice = width * height < ENOUGH_WORKGROUPS;
      const { parameters } = gemmKernels[candidate.family];
      const steps = neighbours(candidate, parameters, maySlice ? slices : 0).filter(planned);
      return [...steps, ...otherwisePacked(candidate, plan)];
    },
    isOver: () => performance.now() >= job.deadlineMs,
    onCandidate: job.onCandidate,
  });
  return tunedBucket(target, outcome);

  /** With copies of the operands where the plan has none, or without; where that makes a difference. */
  function otherwisePacked(candidate: GemmCandidate, plan: GemmPlan): GemmCandidate[] {
    const config = { ...candidate.config, pack: plan.copies ? 0 : 1 };
    const other = planned({ ...candidate, config });
    return other && !other.copies !== !plan.copies ? [{ ...candidate, config }] : [];
  }

  /** Undefined for what the device cannot run. */
  function planned(candidate: GemmCandidate): GemmPlan | undefined {
    try {
      return planGemm(shape, device, { ...layout, ...candidate });
    } catch (error) {
      if (error instanceof DeviceLimitError) return undefined;
      throw error;
    }
  }
}

function tunedBucket(target: TuneTarget, outcome: SearchOutcome): TunedBucket {
  const { own, best, timings, rejected } = outcome;
  return {
    ...target,
    own: own && measured(target, own),
    best: measured(target, best),
    gain: (own?.ms ?? best.ms) / best.ms,
    measured: timings.map((timing) => measured(target, timing)),
    rejected,
  };
}

function measured({ shape }: TuneTarget, timing: CandidateTiming): MeasuredCandidate {
  const { candidate, ms, samples } = timing;
  return { ...candidate, ms, gflops: (2 * shape.m * shape.k * shape.n) / ms / 1e6, samples };
}

/** One for each bucket, in the order of the shapes. */
function targetsOf(device: GPUDevice, options: TuneOptions): readonly TuneTarget[] {
  const { transposeA = false, transposeB = false, precisions = ["f32"] } = options;
  const shapes = options.shapes ?? defaultShapes(describeDevice(device).software);
  const targets = new Map<string, TuneTarget>();
  for (const shape of shapes) {
    for (const precision of precisions) {
      const layout = { precision, transposeA, transposeB };
      requirePlannable(shape, device, layout);
      const bucket = gemmBucket(shape, layout);
      if (!targets.has(bucket)) targets.set(bucket, { bucket, shape, precision });
    }
  }
  return [...targets.values()];
}

/** Shapes that are none are refused at once; those that are too large are skipped when their turn comes. */
function requirePlannable(
  shape: GemmShape,
  device: GPUDevice,
  layout: Parameters<typeof planGemm>[2],
): void {
  try {
    planGemm(shape, device, layout);
  } catch (error) {
    if (!(error instanceof DeviceLimitError)) throw error;
  }
}

function limitsOf(
  device: GPUDevice,
  { budgetMs = DEFAULT_BUDGET_MS, maxCandidates = DEFAULT_CANDIDATES }: TuneOptions,
): { readonly budgetMs: number; readonly maxCandidates: number } {
  if (!(budgetMs > 0)) {
    throw new InputError(`budgetMs must be a number above 0, got ${String(budgetMs)}`);
  }
  if (!(Number.isSafeInteger(maxCandidates) && maxCandidates >= 1)) {
    throw new InputError(
      `maxCandidates must be an integer of at least 1, got ${String(maxCandidates)}`,
    );
  }
  const { software } = describeDevice(device);
  return {
    budgetMs,
    maxCandidates: software ? Math.min(maxCandidates, MOST_ON_SOFTWARE) : maxCandidates,
  };
}
