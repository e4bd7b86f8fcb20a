/**
 * The Gram matrix XᵀX of ten thousand handwritten digits, 784×784, as principal components or a linear
 * classifier need it: on six workers of which two are late, with and without coding.
 *
 *   npm start                         # a GPU if there is one, else the CPU
 *   npm start -- --device software    # auto | gpu | software | cpu
 *   npm start -- --timeline FILE.svg  # draws the last coded round as a picture, too
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { attemptsOf } from "../src/cli/attempts.ts";
import { renderTimeline, type TimelineData } from "../src/cli/timeline.ts";
import { renderTimelineSvg } from "../src/cli/timeline-svg.ts";
import { createEngine, polynomial, replication, uncoded } from "../src/index.ts";
import { compare, type Scheme } from "./support/comparison.ts";
import { table, verdict } from "./support/comparison-report.ts";
import { gramReference, readDigits, transpose } from "./support/digits.ts";

const WORKERS = 6;
const LATE_MS = 2000;
const ROUNDS = 5;
const SEED = 1;
const DEVICES = ["auto", "gpu", "software", "cpu"] as const;

const schemes: readonly Scheme[] = [
  { name: "uncoded", code: uncoded({ partition: { m: 2, k: 1, n: 3 } }) },
  { name: "two copies", code: replication({ partition: { m: 1, k: 1, n: 3 }, copies: 2 }) },
  { name: "polynomial", code: polynomial({ partition: { m: 2, n: 2 }, tasks: WORKERS }) },
];

const { values } = parseArgs({
  options: { device: { type: "string", default: "auto" }, timeline: { type: "string" } },
});
const device = DEVICES.find((name) => name === values.device);
if (!device) throw new Error(`--device must be ${DEVICES.join(", ")}, got ${values.device}`);

process.stdout.on("error", () => process.exit()); // a reader such as `head` has seen enough
progress("reading digits");
const digits = await readDigits(10_000);
const job = { a: transpose(digits), b: digits, exact: gramReference(digits) };

await using machine = await createEngine({ workers: WORKERS, device });
progress("");
console.log(
  `XᵀX of ${digits.rows} MNIST digits: ${job.a.rows}×${job.a.cols} times ${job.b.rows}×${job.b.cols},\n` +
    `on ${WORKERS} workers (${machine.device.description}). In each of ${ROUNDS} rounds two of them, drawn from\n` +
    `seed ${SEED}, begin every task ${LATE_MS / 1000} s late. Every product is checked against float64.\n`,
);
progress("warming up");
const outcomes = await compare(job, schemes, machine, {
  rounds: ROUNDS,
  lateMs: LATE_MS,
  seed: SEED,
  onRound: (round, late) =>
    progress(`round ${round + 1} of ${ROUNDS} done, workers ${late.join(" and ")} were late`),
});
progress("");

const [plain, copies, coded] = outcomes as [Outcome, Outcome, Outcome];
print(table(outcomes));
const lastRound = timelineOf(coded.late.at(-1)!);
console.log("\nThe last coded round, task by task:\n");
print(
  renderTimeline(lastRound, {
    width: Math.min(100, process.stdout.columns || 100),
    colour: process.stdout.isTTY === true && !process.env.NO_COLOR,
  }),
);
console.log("");
print(verdict({ plain, copies, coded }, LATE_MS));
if (values.timeline) {
  const title = `${coded.code.name} on ${WORKERS} workers, two of them ${LATE_MS / 1000} s late`;
  await writeFile(values.timeline, renderTimelineSvg({ ...lastRound, title }));
}

type Outcome = (typeof outcomes)[number];

function timelineOf({ product, lateWorkers }: Outcome["late"][number]): TimelineData {
  const delayOf = (_task: number, worker: string) => (lateWorkers.includes(worker) ? LATE_MS : 0);
  const attempts = attemptsOf({ ...product, delayOf });
  const label = `C decodable after ${Math.round(product.decodedAtMs)} ms`;
  return { attempts, unsent: [], decision: { atMs: product.decodedAtMs, label } };
}

function print(lines: readonly string[]): void {
  console.log(lines.join("\n"));
}

/** One line on a terminal, erased by the next; nothing where standard error is no terminal. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`);
}
