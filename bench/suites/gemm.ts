import { interleave, seconds } from "../measure.ts";
import { randomOperands } from "../operands.ts";
import type { Contender, Operands } from "../peers/contender.ts";
import type { Progress } from "../progress.ts";
import type { Copies, GemmRow } from "../record.ts";
import { flopsOf, type SweepShape, shapeName } from "../shapes.ts";
import { summarize } from "../statistics.ts";
import { type CheckedJob, prepareChecked } from "./prepare-checked.ts";

export interface GemmSuiteOptions {
  readonly shapes: readonly SweepShape[];
  readonly contenders: readonly Contender[];
  /** A contender that needs longer for one product sits that shape out. */
  readonly maxRunSeconds: number;
  /** Of sampling, for each shape. */
  readonly budgetMs: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Called with all rows so far, after each shape. */
  readonly onRows?: (rows: readonly GemmRow[]) => void;
}

/** Every contender over every shape: checked first, then timed in turns. */
export async function runGemmSuite(options: GemmSuiteOptions): Promise<GemmRow[]> {
  const rows: GemmRow[] = [];
  const pace = new Pace();
  for (const shape of options.shapes) {
    const operands = randomOperands(shape);
    for (const copies of shape.host ? (["resident", "host"] as const) : (["resident"] as const)) {
      options.progress.step(`gemm ${shapeName(shape)}, ${copies}`);
      rows.push(...(await runShape(shape, operands, copies, pace, options)));
      options.onRows?.(rows);
    }
  }
  return rows;
}

interface Ready extends CheckedJob {
  readonly contender: Contender;
}

async function runShape(
  shape: SweepShape,
  operands: Operands,
  copies: Copies,
  pace: Pace,
  options: GemmSuiteOptions,
): Promise<GemmRow[]> {
  const { contenders, maxRunSeconds, budgetMs, signal, progress } = options;
  const { m, k, n, set } = shape;
  const flops = flopsOf(shape);
  const rows: GemmRow[] = [];
  const ready: Ready[] = [];
  const skip = ({ name, group }: Contender, skipped: string) => {
    rows.push({ shape: { m, k, n }, set, copies, contender: name, group, skipped });
  };

  for (const contender of contenders) {
    if (!contender.copies.includes(copies)) continue;
    signal.throwIfAborted();
    const expected = pace.expect(contender.name, flops);
    if (expected > maxRunSeconds) {
      skip(contender, `would take about ${expected.toFixed(0)} s a product`);
      continue;
    }
    progress.step(`gemm ${shapeName(shape)}, ${copies}: ${contender.name}`);
    try {
      const prepared = await prepareChecked(contender, operands, copies);
      pace.learn(contender.name, flops / prepared.onceSeconds);
      ready.push({ contender, ...prepared });
    } catch (error) {
      skip(contender, `failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  const sides = ready.map(({ contender, job, repeats }) => ({
    name: contender.name,
    sample: async () => (await seconds(() => job.run(repeats))) / repeats,
  }));
  try {
    const samples = await interleave(sides, { least: 3, most: 15, budgetMs, signal });
    for (const { contender, repeats, firstSeconds, error } of ready) {
      const taken = samples.get(contender.name)!;
      if (taken instanceof Error) {
        skip(contender, `failed while timed: ${taken.message}`);
        continue;
      }
      const summary = summarize(taken);
      const { name, group } = contender;
      rows.push({
        shape: { m, k, n },
        set,
        copies,
        contender: name,
        group,
        seconds: summary,
        repeats,
        gflops: flops / summary.median / 1e9,
        firstSeconds,
        error,
      });
    }
  } finally {
    for (const { job } of ready) await job.dispose();
  }
  return rows;
}

/** What the smaller shapes told about speed: nobody waits a minute to learn that it takes a minute. */
class Pace {
  readonly #rates = new Map<string, number>();

  /** Seconds of a product, 0 where nothing is known. */
  expect(contender: string, flops: number): number {
    const rate = this.#rates.get(contender);
    return rate === undefined ? 0 : flops / rate;
  }

  learn(contender: string, rate: number): void {
    // Small shapes are slow for other reasons, so the best rate counts.
    this.#rates.set(contender, Math.max(rate, this.#rates.get(contender) ?? 0));
  }
}
