import { matdot } from "../codes/matdot.ts";
import { polynomial } from "../codes/polynomial.ts";
import { uncoded } from "../codes/replication.ts";
import type { Code } from "../core/code.ts";

/** Real evaluation points lose float32's digits beyond about this many blocks of C, or parts. */
const MOST_BLOCKS = 9;
const MOST_PARTS = 5;

/**
 * The code of a multiplication for which the caller names none: about one task a worker, of which a
 * quarter (at least one) may be lost.
 *
 * The outer dimensions are cut, as products then stay small and weights tame; only a product whose
 * inner dimension dwarfs both outer ones is cut inside. With fewer than three workers there is nothing
 * to outrun, and the product is divided without redundancy. Beyond a dozen workers float32 does not
 * bear finer cuts, so there are fewer tasks than workers: the first who are free take them.
 */
export function chooseCode(
  shape: { readonly rows: number; readonly inner: number; readonly cols: number },
  workers: number,
): Code {
  const { rows, inner, cols } = shape;
  if (workers < 3) {
    return uncoded({ partition: rows >= cols ? outer(workers, 1) : outer(1, workers) });
  }
  const useful = workers - spareFor(workers);
  if (inner > 4 * Math.max(rows, cols)) {
    const parts = Math.min(MOST_PARTS, Math.floor((useful + 1) / 2), inner);
    if (parts > 1) return matdot({ parts, tasks: Math.min(workers, withSpare(2 * parts - 1)) });
  }
  const { m, n } = outerPartition(rows, cols, Math.min(useful, MOST_BLOCKS));
  return polynomial({ partition: { m, n }, tasks: Math.min(workers, withSpare(m * n)) });
}

/** How many of `tasks` may be lost. */
function spareFor(tasks: number): number {
  return Math.max(1, Math.floor(tasks / 4));
}

/** The tasks of which `needed` are left when the spare ones are lost. */
function withSpare(needed: number): number {
  let tasks = needed + 1;
  while (tasks - spareFor(tasks) < needed) tasks++;
  return tasks;
}

/** The m·n ≤ `blocks` that cuts C finest; of several, the one that sends the least. */
function outerPartition(rows: number, cols: number, blocks: number): { m: number; n: number } {
  let best = { m: 1, n: 1 };
  const sent = ({ m, n }: { m: number; n: number }) => rows / m + cols / n;
  for (let m = 1; m <= Math.min(blocks, rows); m++) {
    const candidate = { m, n: Math.min(Math.floor(blocks / m), cols) };
    const gain = candidate.m * candidate.n - best.m * best.n;
    if (gain > 0 || (gain === 0 && sent(candidate) < sent(best))) best = candidate;
  }
  return best;
}

function outer(m: number, n: number) {
  return { m, k: 1, n };
}
