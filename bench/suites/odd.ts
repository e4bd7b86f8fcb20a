import { interleave, seconds } from "../measure.ts";
import { randomOperands } from "../operands.ts";
import { anykContender } from "../peers/anyk.ts";
import type { Progress } from "../progress.ts";
import type { OddRow } from "../record.ts";
import { EVEN, flopsOf, ODD } from "../shapes.ts";
import { summarize } from "../statistics.ts";
import { prepareChecked } from "./prepare-checked.ts";

export interface OddSuiteOptions {
  readonly device: GPUDevice;
  readonly budgetMs: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * An odd shape beside its even neighbour, product after product: in the sweep they lie minutes apart, and
 * a shared machine may be twice as fast then.
 */
export async function runOddSuite(options: OddSuiteOptions): Promise<OddRow[]> {
  const { device, budgetMs, progress, signal } = options;
  progress.step("an odd shape and its even neighbour, in turns");
  const contender = anykContender({ name: "anyk", device });
  const odd = await prepareChecked(contender, randomOperands(ODD), "resident");
  try {
    const even = await prepareChecked(contender, randomOperands(EVEN), "resident");
    try {
      const sides = [
        { name: "odd", side: odd },
        { name: "even", side: even },
      ].map(({ name, side: { job, repeats } }) => ({
        name,
        sample: async () => (await seconds(() => job.run(repeats))) / repeats,
      }));
      const samples = await interleave(sides, { least: 9, most: 100, budgetMs, signal });
      const [odds, evens] = ["odd", "even"].map((name) => {
        const taken = samples.get(name)!;
        if (taken instanceof Error) throw taken;
        return taken;
      }) as [number[], number[]];
      const perFlop = flopsOf(ODD) / flopsOf(EVEN);
      const rounds = Math.min(odds.length, evens.length);
      const ratios = Array.from({ length: rounds }, (_, i) => (perFlop * evens[i]!) / odds[i]!);
      return [
        {
          odd: ODD,
          even: EVEN,
          oddGflops: flopsOf(ODD) / summarize(odds).median / 1e9,
          evenGflops: flopsOf(EVEN) / summarize(evens).median / 1e9,
          ratio: summarize(ratios),
        },
      ];
    } finally {
      await even.job.dispose();
    }
  } finally {
    await odd.job.dispose();
  }
}
