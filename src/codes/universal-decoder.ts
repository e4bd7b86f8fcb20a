/**
 * @file The decoder that serves every bilinear code.
 *
 * Task s yields P_s = Σ_{p,q} a_sp b_sq A_p B_q, so in the basis of all pairs (A_p, B_q) it is the row
 * κ_s = a_s ⊗ b_s, and block r of C is a target t_r of zeros and ones. For the received set S the
 * weights of block r minimise
 *
 *   ‖t_r − Σ_{s∈S} w_s κ_s‖² + τ² Σ_{s∈S} (‖a_s‖ ‖b_s‖ w_s)²
 *
 * the first term being the algebraic error and the second the rounding that decoding amplifies. Solved
 * by Householder QR of the stacked system in float64: the normal equations would square its condition
 * number, and ε-approximate codes live where that loses everything.
 */

import { Matrix as DenseMatrix, QrDecomposition } from "ml-matrix";
import type { BlockCombination, Code, DecodePlan, Partition } from "../core/code.ts";
import { tableRow } from "../core/table.ts";
import { connectedSystems, type Subsystem } from "./subsystems.ts";

/** Relative rounding error of one float32 worker product of middling size: the τ that is minimised for. */
const FLOAT32_PRODUCT_ROUNDING = 3e-7;

/** Below this τ, float64 QR no longer separates nearly parallel rows. */
const LEAST_TAU = 1e-12;

/** What the decoder needs to know of a code. */
export interface BilinearTables extends Pick<Code, "partition" | "encodePlan" | "tolerance"> {}

/** The blocks of C in row-major order, each as the pairs (p, q) that sum to it. */
function targetPairs({ m, k, n }: Partition): readonly (readonly [number, number][])[] {
  return Array.from({ length: m * n }, (_, r) => {
    const row = Math.floor(r / n);
    const col = r % n;
    return Array.from({ length: k }, (_, l) => [row * k + l, l * n + col] as [number, number]);
  });
}

/** ‖t_r‖ = √k: the misfit of a block of which nothing has arrived. */
function targetNorm(partition: Partition): number {
  return Math.sqrt(partition.k);
}

/**
 * The best decode of a received set, for any set at all. Where a block can be made to within the
 * code's tolerance, its weights are the least amplifying ones that do so; where not, they minimise the
 * sum of both errors, and `misfit` says what the block is worth.
 *
 * @param tau relative rounding error of one worker product.
 */
export function universalDecode(
  code: BilinearTables,
  received: ReadonlySet<number>,
  tau: number = FLOAT32_PRODUCT_ROUNDING,
): DecodePlan {
  const { partition, tolerance } = code;
  const tasks = [...received].sort((s, t) => s - t);
  const targets = targetPairs(partition);
  const blocks = targets.length;
  const weights = new Float64Array(blocks * tasks.length);
  const squaredMisfit = new Float64Array(blocks);

  const { systems, unreached } = connectedSystems(code.encodePlan, tasks, targets);
  for (const [r, pairs] of unreached.entries()) squaredMisfit[r] = pairs;

  const allowed = (tolerance * targetNorm(partition)) ** 2;
  for (const system of systems) {
    // A block may draw on several systems; each may use up its part of what is allowed.
    const solution = solveWithin(system, tau, allowed / systems.length);
    for (const [column, r] of system.targets.entries()) {
      squaredMisfit[r]! += solution.squaredMisfit[column]!;
      for (const [row, s] of system.tasks.entries()) {
        weights[r * tasks.length + s] = solution.weights.get(row, column);
      }
    }
  }

  const c: BlockCombination = { rows: blocks, cols: tasks.length, weights };
  return { tasks, c, misfit: squaredMisfit.map(Math.sqrt), amplification: amplificationOf(c) };
}

/** max over rows of Σ|weight|. */
function amplificationOf(c: BlockCombination): number {
  let largest = 0;
  for (let r = 0; r < c.rows; r++) {
    largest = Math.max(
      largest,
      tableRow(c, r).reduce((sum, weight) => sum + Math.abs(weight), 0),
    );
  }
  return largest;
}

/** True when every block's misfit is at most `tolerance` of its target's norm. */
export function isWithinTolerance(
  { partition, tolerance }: BilinearTables,
  misfit: Float64Array,
): boolean {
  const allowed = tolerance * targetNorm(partition);
  return misfit.every((value) => value <= allowed);
}

interface Solution {
  /** One row a task, one column a target. */
  readonly weights: DenseMatrix;
  readonly squaredMisfit: readonly number[];
}

/**
 * Lowers τ, for the blocks that need it, until their misfit is within `allowed`. A block that no τ
 * brings there keeps the optimum of the caller's τ.
 */
function solveWithin(system: Subsystem, tau: number, allowed: number): Solution {
  const best = solveRidge(system, tau);
  const open = new Set(best.squaredMisfit.keys());
  const settle = (solution: Solution) => {
    for (const column of open) {
      if (solution.squaredMisfit[column]! > allowed) continue;
      for (let row = 0; row < system.tasks.length; row++) {
        best.weights.set(row, column, solution.weights.get(row, column));
      }
      squaredMisfit[column] = solution.squaredMisfit[column]!;
      open.delete(column);
    }
  };
  const squaredMisfit = [...best.squaredMisfit];
  settle(best);
  if (open.size > 0) {
    const sharpest = solveRidge(system, LEAST_TAU);
    const hopeless = sharpest.squaredMisfit.map((value) => value > allowed);
    for (const column of [...open]) if (hopeless[column]) open.delete(column);
    for (let t = tau / 10; open.size > 0 && t > LEAST_TAU; t /= 10) settle(solveRidge(system, t));
    settle(sharpest);
  }
  return { weights: best.weights, squaredMisfit };
}

/** min ‖T − K X‖² + τ²‖X‖² with columns of K of unit length, then weights in the code's own scale. */
function solveRidge({ matrix, norms, targetMatrix }: Subsystem, tau: number): Solution {
  const pairs = matrix.rows;
  const count = matrix.columns;
  const stacked = DenseMatrix.zeros(pairs + count, count);
  stacked.setSubMatrix(matrix, 0, 0);
  for (let s = 0; s < count; s++) stacked.set(pairs + s, s, tau);
  const rhs = DenseMatrix.zeros(pairs + count, targetMatrix.columns);
  rhs.setSubMatrix(targetMatrix, 0, 0);
  const unit = new QrDecomposition(stacked).solve(rhs);

  const missing = DenseMatrix.sub(targetMatrix, matrix.mmul(unit));
  const squaredMisfit = Array.from({ length: targetMatrix.columns }, (_, column) => {
    let sum = 0;
    for (let row = 0; row < pairs; row++) sum += missing.get(row, column) ** 2;
    return sum;
  });
  for (let s = 0; s < count; s++) unit.mulRow(s, 1 / norms[s]!);
  return { weights: unit, squaredMisfit };
}
