/**
 * @file Polynomial code: cut the outer dimensions, interpolate all blocks at once.
 *
 *   Ã(x) = Σ_i A_i xⁱ       A in m row blocks    A_0 … A_{m-1}
 *   B̃(x) = Σ_j B_j x^{mj}   B in n column blocks B_0 … B_{n-1}
 *
 * Ã(x)·B̃(x) has the block A_i B_j of C as its coefficient of x^{i+mj}: degree mn-1, each exponent once,
 * so any mn of its values determine C.
 *
 * Yu, Maddah-Ali, Avestimehr, "Polynomial Codes: an Optimal Design for High-Dimensional Coded Matrix
 * Multiplication", NeurIPS 2017. Our m, n are its m, n.
 */

import type { Code } from "../core/code.ts";
import { table } from "../core/table.ts";
import { requireInteger, requirePartition, requireTableSize } from "./parameters.ts";
import { type Points, pointsName, realPoints, scaledPower } from "./points.ts";
import { thresholdCode } from "./threshold-code.ts";

export interface PolynomialOptions {
  /** A is cut into m row blocks, B into n column blocks; the inner dimension stays whole. */
  readonly partition: { readonly m: number; readonly n: number };
  /** N ≥ m·n: how many coded tasks are made. N − m·n stragglers are tolerated. */
  readonly tasks: number;
  /** Where the polynomials are evaluated. Default "chebyshev". */
  readonly points?: Points;
}

/**
 * Builds a polynomial code. A task takes 1/m of A and 1/n of B; its product is 1/(m·n) of C.
 *
 * Real points are well conditioned up to about twelve blocks of C in float32: read `amplification` or
 * `error.predicted` beyond that.
 *
 * @throws {CodeParameterError} when m, n or N is out of range, or the points are not N distinct reals.
 */
export function polynomial(options: PolynomialOptions): Code {
  const { tasks, points = "chebyshev" } = options;
  const partition = { ...options.partition, k: 1 };
  requirePartition(partition);
  const { m, n } = partition;
  const recoveryThreshold = m * n;
  requireInteger("tasks", tasks, recoveryThreshold, "m·n = ");
  requireTableSize(tasks, partition);
  const xs = realPoints(points, tasks);
  return thresholdCode({
    name: `polynomial(m=${m}, n=${n}, tasks=${tasks}, points=${pointsName(points)})`,
    partition,
    a: table(tasks, m, (t, i) => scaledPower(xs[t]!, i, m - 1)),
    b: table(tasks, n, (t, j) => scaledPower(xs[t]!, m * j, m * (n - 1))),
    recoveryThreshold,
    sharp: true, // m·n unknown blocks
  });
}
