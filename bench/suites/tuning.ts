import { gemmKernels } from "../../src/kernels/gemm/gemm-families.ts";
import { type GemmCandidate, gemmCandidates } from "../../src/kernels/index.ts";
import { interleave, seconds } from "../measure.ts";
import { randomOperands } from "../operands.ts";
import { anykContender } from "../peers/anyk.ts";
import type { GemmJob } from "../peers/contender.ts";
import type { Progress } from "../progress.ts";
import type { Shape, TuningRow } from "../record.ts";
import { flopsOf, shapeName } from "../shapes.ts";
import { summarize } from "../statistics.ts";
import { prepareChecked } from "./prepare-checked.ts";

export interface TuningSuiteOptions {
  readonly device: GPUDevice;
  readonly shapes: readonly Shape[];
  /** Of one product. Slower candidates are named and left out. */
  readonly maxRunSeconds: number;
  readonly budgetMs: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** The planner's choice against every kernel and configuration that the device can run. */
export async function runTuningSuite(options: TuningSuiteOptions): Promise<TuningRow[]> {
  const rows: TuningRow[] = [];
  for (const shape of options.shapes) {
    const row = await sweep(shape, options);
    if (row) rows.push(row);
  }
  return rows;
}

async function sweep(shape: Shape, options: TuningSuiteOptions): Promise<TuningRow | undefined> {
  const { device, maxRunSeconds, budgetMs, progress, signal } = options;
  const operands = randomOperands(shape);
  const candidates = withEveryConfig(gemmCandidates(shape, device));
  const flops = flopsOf(shape);
  const jobs = new Map<string, { readonly job: GemmJob; readonly repeats: number }>();
  const skipped = new Map<string, string>();
  let bestSeconds = Number.POSITIVE_INFINITY;

  try {
    for (const candidate of candidates) {
      signal.throwIfAborted();
      const name = candidateName(candidate);
      progress.step(`tuning ${shapeName(shape)}: ${name}`);
      const contender = anykContender({ name, device, gemm: candidate });
      try {
        const { job, repeats, onceSeconds } = await prepareChecked(contender, operands, "resident");
        // One that is three times slower than another is not going to win.
        if (onceSeconds > maxRunSeconds || onceSeconds > 3 * bestSeconds) {
          skipped.set(name, `${(flops / onceSeconds / 1e9).toFixed(2)} GFLOP/s in one run`);
          await job.dispose();
          continue;
        }
        bestSeconds = Math.min(bestSeconds, onceSeconds);
        jobs.set(name, { job, repeats });
      } catch (error) {
        skipped.set(name, `failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    const sides = [...jobs].map(([name, { job, repeats }]) => ({
      name,
      sample: async () => (await seconds(() => job.run(repeats))) / repeats,
    }));
    const samples = await interleave(sides, { least: 3, most: 9, budgetMs, signal });
    const rates = new Map<string, number>();
    for (const [name, taken] of samples) {
      if (taken instanceof Error) skipped.set(name, `failed while timed: ${taken.message}`);
      else rates.set(name, flops / summarize(taken).median / 1e9);
    }
    return rowOf(shape, candidates.map(candidateName), rates, skipped);
  } finally {
    for (const { job } of jobs.values()) await job.dispose();
  }
}

/** Families of which every configuration is timed have at most this many; of others, the start points. */
const MOST_CONFIGS = 8;

/** The candidates, and every other configuration of families that have few. */
function withEveryConfig(candidates: readonly GemmCandidate[]): readonly GemmCandidate[] {
  const all = new Map(candidates.map((candidate) => [candidateName(candidate), candidate]));
  for (const family of new Set(candidates.map((candidate) => candidate.family))) {
    let configs: readonly GemmCandidate["config"][] = [{}];
    for (const [name, values] of Object.entries(gemmKernels[family].parameters)) {
      configs = configs.flatMap((config) => values.map((value) => ({ ...config, [name]: value })));
    }
    if (configs.length > MOST_CONFIGS) continue;
    for (const config of configs) {
      const candidate = { family, config };
      const name = candidateName(candidate);
      if (!all.has(name)) all.set(name, candidate);
    }
  }
  return [...all.values()];
}

function rowOf(
  shape: Shape,
  names: readonly string[],
  rates: ReadonlyMap<string, number>,
  skipped: ReadonlyMap<string, string>,
): TuningRow | undefined {
  const best = [...rates].sort((p, q) => q[1] - p[1])[0];
  const chosen = names[0];
  if (!best || chosen === undefined) return undefined;
  return {
    shape,
    chosen,
    best: best[0],
    // A choice that was too slow to be timed, or fails, is as bad as it gets.
    ratio: Math.max((rates.get(chosen) ?? 0) / best[1], 0.01),
    candidates: names.map((name) => {
      const gflops = rates.get(name);
      return gflops === undefined
        ? { name, skipped: skipped.get(name) ?? "not timed" }
        : { name, gflops };
    }),
  };
}

/** "subgroup ROWS=16 COLS=4". */
function candidateName({ family, config }: GemmCandidate): string {
  return [family, ...Object.entries(config).map(([name, value]) => `${name}=${value}`)].join(" ");
}
