import type { Outcome } from "./comparison.ts";

/** A table of the schemes: tasks, work, times with nobody and with two workers late, error. */
export function table(outcomes: readonly Outcome[]): string[] {
  const head = ["", "tasks", "needed", "work", "nobody late", "two late", "at worst", "error"];
  const rows = outcomes.map((outcome) => {
    const { name, code, calm } = outcome;
    const { median, worst } = timesOf(outcome);
    return [
      name,
      String(code.tasks),
      `any ${code.recoveryThreshold}`,
      `${workOf(outcome).toFixed(1)}×`,
      `${calm.seconds.toFixed(2)} s`,
      `${median.toFixed(2)} s`,
      `${worst.toFixed(2)} s`,
      errorOf(outcome).toExponential(0),
    ];
  });
  const lines = [head, ...rows].map(
    ([name = "", ...cells]) =>
      name.padEnd(14) + cells.map((cell, i) => cell.padStart(i < 3 ? 8 : 13)).join(""),
  );
  return [
    ...lines,
    "",
    "work: arithmetic of all tasks, as a multiple of the product's own. Times are until C is ready; with",
    "two late, the median and the worst of the rounds. error: against float64, as a part of ‖C‖.",
  ];
}

/** In plain words, what was won and at what price. Says so where nothing was won. */
export function verdict(
  { plain, copies, coded }: Record<"plain" | "copies" | "coded", Outcome>,
  lateMs: number,
): string[] {
  const [slow, fast] = [timesOf(plain), timesOf(coded)];
  const gain = slow.median / fast.median;
  const heldUp = copies.late.filter(({ seconds }) => seconds > lateMs / 1000).length;
  const rounds = copies.late.length;
  const spare = coded.code.tasks - coded.code.recoveryThreshold;
  return [
    gain > 1.05
      ? `Coding was ${gain.toFixed(1)} times as fast as waiting for everybody: ` +
        `${fast.median.toFixed(2)} s instead of ${slow.median.toFixed(2)} s.`
      : `Coding won nothing here: ${fast.median.toFixed(2)} s against ${slow.median.toFixed(2)} s ` +
        "for waiting for everybody.",
    `Any ${coded.code.recoveryThreshold} of its ${coded.code.tasks} products suffice, so it waits for no late worker, whichever ${spare} they are. ` +
      `Two copies of everything took more than ${lateMs / 1000} s in ${heldUp} of ${rounds} rounds: they wait where both copies of a product are late.`,
    `The price: ${workOf(coded).toFixed(1)} times the arithmetic (copies: ${workOf(copies).toFixed(1)} times), so with nobody late it took ` +
      `${coded.calm.seconds.toFixed(2)} s against ${plain.calm.seconds.toFixed(2)} s, and an error of ` +
      `${errorOf(coded).toExponential(0)} against ${errorOf(plain).toExponential(0)}.`,
  ];
}

/** How many times the arithmetic of A·B all tasks together take. */
function workOf({ code: { tasks, partition } }: Outcome): number {
  return tasks / (partition.m * partition.k * partition.n);
}

function timesOf({ late }: Outcome): { readonly median: number; readonly worst: number } {
  const sorted = late.map(({ seconds }) => seconds).sort((p, q) => p - q);
  return { median: sorted[sorted.length >> 1]!, worst: sorted.at(-1)! };
}

function errorOf({ late }: Outcome): number {
  return Math.max(...late.map(({ error }) => error));
}
