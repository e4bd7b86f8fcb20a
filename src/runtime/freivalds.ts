/**
 * @file Freivalds' check of one product: P·r against Ã·(B̃·r) for a random r, in float64.
 *
 * A float32 product of inner size K strays in entry (i, j) by a walk of 2K roundings, each at most
 * u·‖a_i‖‖b_j‖, so under the usual model of independent roundings of mean zero (P − ÃB̃)r deviates in row
 * i by at most u·√(2K)·‖a_i‖·√(Σ_j r_j²‖b_j‖²) as a standard deviation. Eight of those are the limit: an
 * honest row exceeds it with probability below 3·10⁻¹⁴ (Hoeffding), while one entry that is off by twice
 * the limit is always caught, as |r_j| ≥ 1.
 *
 * The entries of r have random signs and magnitudes in [1, 2): with ±1 alone, two equal errors in a row
 * would cancel half of the time.
 */

import { SMALLEST_NORMAL, UNIT_ROUNDOFF } from "../core/float32.ts";
import type { Matrix } from "../core/matrix.ts";
import type { Random } from "../core/random.ts";
import type { Task } from "../core/worker.ts";

const DEVIATIONS = 8;

export interface FreivaldsOutcome {
  readonly passed: boolean;
  /** Largest |row of (P − ÃB̃)r| over its limit; above 1 fails. NaN when the product holds NaN. */
  readonly worst: number;
  /** The row in which that was found. */
  readonly row: number;
}

/** Checks `product` against the task's operands. O(size of the three matrices). */
export function freivalds(task: Task, product: Matrix, random: Random): FreivaldsOutcome {
  const { a, b } = task;
  const r = Float64Array.from({ length: b.cols }, () => {
    const magnitude = 1 + random();
    return random() < 0.5 ? -magnitude : magnitude;
  });
  const br = new Float64Array(b.rows);
  let weightedNorm = 0;
  const sizeOfR = r.reduce((sum, value) => sum + Math.abs(value), 0);
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
  weightedNorm = Math.sqrt(weightedNorm);

  const perNorm = DEVIATIONS * UNIT_ROUNDOFF * Math.sqrt(2 * a.cols) * weightedNorm;
  // A device may flush what underflows to zero, term by term.
  const underflow = 2 * a.cols * SMALLEST_NORMAL * sizeOfR;
  let worst = 0;
  let worstRow = 0;
  for (let i = 0; i < a.rows; i++) {
    let expected = 0;
    let square = 0;
    for (let l = 0; l < a.cols; l++) {
      const element = a.data[i * a.rowStride + l]!;
      expected += element * br[l]!;
      square += element * element;
    }
    let found = 0;
    for (let j = 0; j < product.cols; j++)
      found += product.data[i * product.rowStride + j]! * r[j]!;
    const difference = Math.abs(found - expected);
    const limit = perNorm * Math.sqrt(square) + underflow;
    const ratio = difference === 0 ? 0 : difference / limit;
    if (!(ratio <= worst)) {
      worst = ratio;
      worstRow = i;
      if (Number.isNaN(ratio)) break;
    }
  }
  return { passed: worst <= 1, worst, row: worstRow };
}
