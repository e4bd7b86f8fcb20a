/**
 * @file Freivalds' check of one product: P·r against Ã·(B̃·r) for a random r, in float64.
 *
 * Suspicion: a float32 product of inner size K strays in entry (i, j) by a walk of 2K roundings, each at
 * most u·‖a_i‖‖b_j‖, so if roundings are independent and of mean zero, (P − ÃB̃)r deviates in row i by at
 * most u·√(2K)·‖a_i‖·√(Σ_j r_j²‖b_j‖²) as a standard deviation. A row beyond eight of those is suspect.
 *
 * Conviction: roundings need not be like that. Sums of equal terms round the same way thousands of times
 * in a row. So the rows that are most suspect are computed in float64, and only an entry that is off by
 * more than γ_r Σ|a||b|, which no honest worker can be, makes a product wrong.
 *
 * The entries of r have random signs and magnitudes in [1, 2): with ±1 alone, two equal errors in a row
 * would cancel half of the time. One entry that is off by twice the limit always makes its row suspect.
 */

import { gamma, SMALLEST_NORMAL, UNIT_ROUNDOFF } from "../core/float32.ts";
import type { Matrix } from "../core/matrix.ts";
import type { Random } from "../core/random.ts";
import type { Task } from "../core/worker.ts";

const DEVIATIONS = 8;
/** Each costs as much as a row of the product; where more are suspect, these deviate most. */
const MOST_TRIALS = 8;

export interface FreivaldsOutcome {
  readonly passed: boolean;
  /** Of a product that did not pass: the largest error found, over what rounding can explain. */
  readonly worst: number;
  /** The row in which that was found. */
  readonly row: number;
}

/**
 * Checks `product` against the task's operands. O(size of the three matrices), and for suspect rows
 * O(inner·cols) each.
 *
 * @param roundings that a term of the product's sums takes part in at most, as its worker promises.
 */
export function freivalds(
  task: Pick<Task, "a" | "b">,
  product: Matrix,
  options: { readonly roundings: number; readonly random: Random },
): FreivaldsOutcome {
  let found = { passed: true, worst: 0, row: 0 };
  for (const row of suspects(task, product, options.random)) {
    const excess = rowExcess(task, product, row, options.roundings);
    if (!(excess <= Math.max(1, found.worst))) found = { passed: false, worst: excess, row };
  }
  return found;
}

/** The rows that deviate by more than independent roundings would, those that do most first. */
function suspects({ a, b }: Pick<Task, "a" | "b">, product: Matrix, random: Random): number[] {
  const r = Float64Array.from({ length: b.cols }, () => {
    const magnitude = 1 + random();
    return random() < 0.5 ? -magnitude : magnitude;
  });
  const br = new Float64Array(b.rows);
  let weightedNorm = 0;
  for (let l = 0; l < b.rows; l++) {
    let sum = 0;
    let square = 0;
    for (let j = 0; j < b.cols; j++) {
      const term = b.data[l * b.rowStride + j]! * r[j]!;
      sum += term;
      square += term * term;
    }
    br[l] = sum;
    weightedNorm += square;
  }
  const perNorm = DEVIATIONS * UNIT_ROUNDOFF * Math.sqrt(2 * a.cols * weightedNorm);
  const found: { readonly row: number; readonly ratio: number }[] = [];
  for (let row = 0; row < a.rows; row++) {
    let expected = 0;
    let square = 0;
    for (let l = 0; l < a.cols; l++) {
      const element = a.data[row * a.rowStride + l]!;
      expected += element * br[l]!;
      square += element * element;
    }
    let actual = 0;
    for (let j = 0; j < product.cols; j++) {
      actual += product.data[row * product.rowStride + j]! * r[j]!;
    }
    const difference = Math.abs(actual - expected);
    if (difference === 0) continue;
    const ratio = difference / (perNorm * Math.sqrt(square));
    if (!(ratio <= 1))
      found.push({ row, ratio: Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio });
  }
  return found
    .sort((x, y) => y.ratio - x.ratio)
    .slice(0, MOST_TRIALS)
    .map(({ row }) => row);
}

/** The largest error of a row's entries over their bounds; above 1 no honest worker made it. */
function rowExcess(
  { a, b }: Pick<Task, "a" | "b">,
  product: Matrix,
  row: number,
  roundings: number,
): number {
  const exact = new Float64Array(b.cols);
  const size = new Float64Array(b.cols);
  // What a device that replaces subnormal numbers by zero may lose of the operands.
  const flushed = new Float64Array(b.cols);
  for (let l = 0; l < a.cols; l++) {
    const element = a.data[row * a.rowStride + l]!;
    for (let j = 0; j < b.cols; j++) {
      const other = b.data[l * b.rowStride + j]!;
      exact[j]! += element * other;
      size[j]! += Math.abs(element * other);
      flushed[j]! += Math.abs(element) + Math.abs(other);
    }
  }
  const relative = gamma(roundings) + a.cols * Number.EPSILON; // float64 itself errs, too
  let worst = 0;
  for (let j = 0; j < b.cols; j++) {
    const off = Math.abs(product.data[row * product.rowStride + j]! - exact[j]!);
    const excess =
      off === 0 ? 0 : off / (relative * size[j]! + SMALLEST_NORMAL * (flushed[j]! + 2 * a.cols));
    if (!(excess <= worst)) worst = Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess;
  }
  return worst;
}
