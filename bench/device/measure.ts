/** How fast this device is, held against its promises: see README.md beside this file. */
import type { GemmShape } from "../../src/kernels/index.ts";
import { MEASURE_USAGE, type MeasureArguments, parseMeasure } from "./arguments.ts";
import { offeredPrecisions } from "./check-gemm.ts";
import { renderMarkdown } from "./markdown.ts";
import { measureCoded } from "./measure-coded.ts";
import { measureCombine } from "./measure-combine.ts";
import { measureGemm } from "./measure-gemm.ts";
import { tune } from "./measure-tuning.ts";
import { factsOf, openWished, titleOf } from "./open.ts";
import type { GemmRow } from "./record.ts";
import { Results } from "./results.ts";
import { scaleOf, shapeName } from "./shapes.ts";
import { createTimer } from "./timing.ts";

try {
  const wish = parseMeasure(process.argv.slice(2));
  if (wish.help) process.stdout.write(MEASURE_USAGE);
  else if (wish.listShapes) listShapes(wish);
  else process.exitCode = (await measure(wish)) ? 0 : 1;
  process.exit(); // Dawn's instances would keep the process alive
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(2);
}

function listShapes({ device, quick }: MeasureArguments): void {
  const { shapes } = scaleOf({ quick, software: device === "software" || device === "emulated" });
  console.log(shapes.map(({ m, k, n }) => `${m}x${k}x${n}`).join(","));
}

/**
 * Everything in turn; what fails is remarked upon, and the rest has its turn all the same.
 *
 * @returns whether all was well, as far as there was time.
 */
async function measure(wish: MeasureArguments): Promise<boolean> {
  const results = new Results(wish);
  const device = await openWished(wish.device);
  device.addEventListener?.("uncapturederror", ({ error }) =>
    results.remark(`Dawn: ${error.message}`),
  );
  const facts = factsOf(device, wish.device);
  results.begin(facts);
  console.log(titleOf(facts));
  const scale = scaleOf({ software: facts.adapter.software, quick: wish.quick });
  const precisions = offeredPrecisions(device);
  using timer = createTimer(device, scale);
  const pace = new Map<string, number>();
  const products = async (shape: GemmShape) => {
    for (const precision of precisions) {
      await results.attempt(`${precision} ${shapeName(shape)}`, async () => {
        const job = { shape, precision, tuned: results.tuning };
        const rows = await measureGemm(device, job, { timer, pace, isOver: results.isOver });
        results.gemm.push(...rows);
        console.log(lineOf(rows));
      });
    }
  };

  await results.attempt("combine", async () => {
    results.combine.push(await measureCombine(device, scale.blockSide, timer));
  });
  await results.attempt("tuning", async () => {
    const job = { shapes: scale.tuned, precisions, budgetMs: wish.tuneMs };
    results.tuned = await tune(device, job);
  });
  const [first, ...others] = scale.shapes;
  await products(first!);
  for (const precision of precisions) {
    if (precision === "f16") continue; // encoding and decoding are in float32
    await results.attempt(`coded ${precision}`, async () => {
      const job = { size: scale.codedSide, precision, tuned: results.tuning };
      results.coded.push(await measureCoded(device, job, timer));
    });
  }
  for (const shape of others) await products(shape);

  results.save();
  console.log(`\n${renderMarkdown(results.record())}`);
  device.destroy();
  return results.well && results.gemm.length > 0;
}

function lineOf(rows: readonly GemmRow[]): string {
  const [best] = rows;
  if (!best) return "nothing";
  const chosen = rows.find((row) => row.chosen);
  const rejected = rows.filter((row) => row.rejected !== undefined);
  return [
    `${best.precision} ${shapeName(best.shape)}: ${best.tflops?.toFixed(3) ?? "–"} TFLOP/s, ${best.name}`,
    ...(chosen && chosen !== best
      ? [`tuned ${chosen.tflops?.toFixed(3) ?? "–"}, ${chosen.name}`]
      : []),
    ...rejected.map(({ name, rejected: reason }) => `without ${name}: ${reason}`),
  ].join("\n  ");
}
