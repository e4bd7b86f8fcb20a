/**
 * @file MatDot code: cut the inner dimension, decode one coefficient.
 *
 *   Ã(x) = Σ_i A_i xⁱ          A in p column blocks A_0 … A_{p-1}
 *   B̃(x) = Σ_j B_j x^{p-1-j}   B in p row blocks    B_0 … B_{p-1}
 *
 * A·B = Σ_i A_i B_i is the coefficient of x^{p-1} in Ã(x)·B̃(x). That polynomial has degree 2p-2, so any
 * 2p-1 of its values determine it.
 *
 * Dutta, Fahim, Haddadpour, Jeong, Cadambe, Grover, "On the Optimal Recovery Threshold of Coded Matrix
 * Multiplication", IEEE Trans. Inf. Theory 66(1), 2020. Our p is its m.
 */

import type { Code } from "../core/code.ts";
import { table } from "../core/table.ts";
import { requireInteger, requireTableSize } from "./parameters.ts";
import { type Points, pointsName, realPoints, scaledPower } from "./points.ts";
import { thresholdCode } from "./threshold-code.ts";

export interface MatdotOptions {
  /** p ≥ 1: how many blocks the inner dimension is cut into. */
  readonly parts: number;
  /** N ≥ 2p-1: how many coded tasks are made. N − (2p-1) stragglers are tolerated. */
  readonly tasks: number;
  /**
   * Where the polynomials are evaluated. Default "chebyshev". That set and "equispaced" are moved by
   * about 1/31 towards 1; a list is taken as it is.
   */
  readonly points?: Points;
}

/** Irrational, so that it makes no two points of an evenly spaced set opposite either. */
const SHIFT = 1 / (10 * Math.PI);

/**
 * Builds a MatDot code. A task takes 1/p of A and 1/p of B; its product is as large as C.
 *
 * Over the reals `amplification` grows steeply with p: read it, or `error.predicted`, before trusting
 * float32 products of more than about six parts.
 *
 * @throws {CodeParameterError} when p or N is out of range, or the points are not N distinct reals.
 */
export function matdot({ parts, tasks, points = "chebyshev" }: MatdotOptions): Code {
  requireInteger("parts", parts, 1);
  const recoveryThreshold = 2 * parts - 1;
  requireInteger("tasks", tasks, recoveryThreshold, "2·parts-1 = ");
  const partition = { m: 1, k: parts, n: 1 };
  requireTableSize(tasks, partition);
  const xs = pointsWithoutOpposites(points, tasks);
  return thresholdCode({
    name: `matdot(parts=${parts}, tasks=${tasks}, points=${pointsName(points)})`,
    partition,
    a: table(tasks, parts, (t, i) => scaledPower(xs[t]!, i, parts - 1)),
    b: table(tasks, parts, (t, j) => scaledPower(xs[t]!, parts - 1 - j, parts - 1)),
    recoveryThreshold,
    sharp: typeof points === "string",
  });
}

/**
 * A set S of 2p-2 products decodes when the coefficient of x^{p-1} in Π_{s∈S}(x − x_s) is zero: that
 * polynomial is what the values on S leave undetermined. For even p any set of opposite pairs has that,
 * so on points that lie symmetrically about 0 it would depend on which worker straggles whether it
 * hurts. A small shift makes that coefficient non-zero for nearly all sets; single sets may amplify a few
 * times more for it, the median set hardly.
 */
function pointsWithoutOpposites(points: Points, tasks: number): readonly number[] {
  const xs = realPoints(points, tasks);
  if (points !== "chebyshev" && points !== "equispaced") return xs;
  return xs.map((x) => x * (1 - SHIFT) + SHIFT);
}
