import { gamma } from "../../src/core/float32.ts";
import {
  type GemmCandidate,
  type GemmPlan,
  type GemmPrecision,
  type GemmShape,
  type GemmTuning,
  gemmCandidates,
  planGemm,
  prepareGemm,
} from "../../src/kernels/index.ts";
import { wrongRow } from "../../src/kernels/tuning/tune-operands.ts";
import { withoutValidationError } from "../../test/support/buffers.ts";
import { eachRows } from "./device-rows.ts";
import { ErrorMeter, makeOperands, type Operands, type Pair } from "./operands.ts";
import type { GemmRow } from "./record.ts";
import type { Timer } from "./timing.ts";

/** So many of the fastest are timed with care, beside the planner's own choice and the tuned one. */
const FINALISTS = 3;
/** A family that was slower by this factor for another shape is not tried again. */
const HOPELESS = 8;
/** Of one product: the tile's pass, and those that split its operands. */
export const PASSES = 8;

export interface GemmJob {
  readonly shape: GemmShape;
  readonly precision: GemmPrecision;
  readonly tuned: GemmTuning;
}

/** Rates of families by precision, from the shapes that were measured before. */
export type Pace = Map<string, number>;

/**
 * Every candidate of a shape: each is checked, element by element and for its error, and run once; the
 * fastest are then timed in turn. Rows come with the fastest first.
 */
export async function measureGemm(
  device: GPUDevice,
  { shape, precision, tuned }: GemmJob,
  { timer, pace, isOver }: { readonly timer: Timer; readonly pace: Pace; isOver(): boolean },
): Promise<GemmRow[]> {
  using operands = makeOperands(device, shape, precision);
  const own = planGemm(shape, device, { precision });
  const chosen = planGemm(shape, device, { precision, tuned });
  const candidates = new Map<string, GemmCandidate>();
  for (const each of [chosen, own, ...gemmCandidates(shape, device, { precision })]) {
    const { family, config } = each;
    const key = nameOf({ family, config });
    if (!candidates.has(key)) candidates.set(key, { family, config });
  }
  const rows = new Map<string, GemmRow>();
  const tried: { readonly name: string; readonly plan: GemmPlan; readonly ms: number }[] = [];
  const bestRate = Math.max(
    0,
    ...[...pace].filter(([key]) => key.startsWith(precision)).map(([, rate]) => rate),
  );
  for (const [name, candidate] of candidates) {
    const marks = { own: name === nameOf(own), chosen: name === nameOf(chosen) };
    const row = { shape, precision, name, ...marks };
    const key = `${precision} ${candidate.family}`;
    const rate = pace.get(key) ?? Number.POSITIVE_INFINITY;
    const reject = (rejected: string) => rows.set(name, { ...row, rejected });
    if (rate * HOPELESS < bestRate && !marks.own && !marks.chosen) {
      reject("its family was slower by far for other shapes");
      continue;
    }
    if (isOver() && tried.length > 0) {
      reject("no time was left");
      continue;
    }
    try {
      const plan = planGemm(shape, device, { precision, ...candidate });
      const { ms, relativeError } = await tryOut(device, plan, operands, timer);
      pace.set(key, Math.max(pace.get(key) ?? 0, flopsOf(shape) / ms));
      tried.push({ name, plan, ms });
      rows.set(name, { ...row, relativeError });
    } catch (error) {
      reject(error instanceof Error ? error.message : String(error));
    }
  }

  const fastest = tried.toSorted((one, other) => one.ms - other.ms);
  const finalists = fastest.filter(
    ({ name }, at) => at < FINALISTS || rows.get(name)!.own || rows.get(name)!.chosen,
  );
  const prepared = await Promise.all(
    finalists.map(async ({ name, plan }) => ({ name, gemm: await prepareGemm(device, plan) })),
  );
  const works = prepared.map(({ name, gemm }) => {
    const { random, c } = operands;
    const record = (encoder: GPUCommandEncoder) => gemm.record(encoder, { ...random, c });
    return [name, { record, passes: PASSES }] as const;
  });
  const times = await timer.compare(Object.fromEntries(works));
  for (const { gemm } of prepared) gemm[Symbol.dispose]();
  for (const [name, ms] of Object.entries(times)) {
    rows.set(name, { ...rows.get(name)!, ms, tflops: flopsOf(shape) / ms.median / 1e9 });
  }
  return [...rows.values()].sort((one, other) => (other.tflops ?? 0) - (one.tflops ?? 0));
}

/** Checks a plan and times it roughly. */
async function tryOut(
  device: GPUDevice,
  plan: GemmPlan,
  operands: Operands,
  timer: Timer,
): Promise<{ readonly ms: number; readonly relativeError: number }> {
  using gemm = await prepareGemm(device, plan);
  const { c, exact, probe, shape } = operands;
  const product = async (pair: Pair, visit: (part: Float32Array, first: number) => void) => {
    await withoutValidationError(device, async () => {
      const encoder = device.createCommandEncoder();
      encoder.clearBuffer(c);
      gemm.record(encoder, { ...pair, c });
      device.queue.submit([encoder.finish()]);
    });
    await eachRows(device, { buffer: c, rows: shape.m, cols: shape.n }, visit);
  };
  let wrong: number | undefined;
  await product(operands.whole, (part, first) => {
    wrong ??= wrongRow(part, first, exact);
  });
  if (wrong !== undefined) throw new Error(`its product is wrong in row ${wrong}`);
  const meter = new ErrorMeter(probe);
  await product(operands.random, (part, first) => meter.add(part, first));
  const { relativeError } = meter;
  const bound = normBound(plan);
  if (!(relativeError <= bound)) {
    throw new Error(`its error ${relativeError} of ‖A‖‖B‖ exceeds the bound ${bound}`);
  }
  const record = (encoder: GPUCommandEncoder) => gemm.record(encoder, { ...operands.random, c });
  return { ms: await timer.sample({ record, passes: PASSES }), relativeError };
}

/** What ‖Ĉ − A·B‖_F cannot exceed, by ‖A‖_F ‖B‖_F; twice that, since the error is estimated. */
function normBound({ roundings, precision, shape }: GemmPlan): number {
  return 2 * (gamma(roundings) + (precision === "f32-split" ? shape.k * 2 ** -36 : 0));
}

function flopsOf({ m, k, n }: GemmShape): number {
  return 2 * m * k * n;
}

/** "tiled THREADS_M=16 …" */
export function nameOf({ family, config }: GemmCandidate): string {
  const parameters = Object.entries(config).map(([name, value]) => `${name}=${value}`);
  return [family, ...parameters.sort()].join(" ");
}
