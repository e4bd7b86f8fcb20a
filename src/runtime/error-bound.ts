/**
 * @file What can be said of Ĉ before looking at it.
 *
 * Block r of Ĉ is Σ_s w_rs P̂_s. Two things separate it from C_r:
 *
 * 1. The misfit M_r of its coefficients over all pairs (A_p, B_q). The error Σ_pq M_pq A_p B_q is at most
 *    ‖M_r‖₂·‖A‖_F·‖B‖_F, and at most Σ_pq |M_pq|·‖A_p‖_F·‖B_q‖_F; the smaller counts. (The first is at
 *    least as tight as Theorem 5 of Jeong et al., "ε-Approximate Coded Matrix Multiplication".)
 * 2. Rounding: each float32 step of encoding, multiplying and decoding is charged its γ.
 * 3. Underflow: a device may replace by zero whatever is smaller than the smallest normal float32 η, as an
 *    operand or as the result of a step, so each is charged η.
 *
 * All are guaranteed for honest workers and any order of summation, unless float32 overflows.
 */

import { Matrix as DenseMatrix, SingularValueDecomposition } from "ml-matrix";
import type { Code, DecodePlan } from "../core/code.ts";
import { expectedRounding, gamma, SMALLEST_NORMAL } from "../core/float32.ts";
import { rowNorms, tableRow } from "../core/table.ts";
import type { ProductShape } from "../core/worker.ts";

/** Norms, singular values and sums here are themselves float64 computations. */
const EVALUATION = 1 + 1e-10;

/** Frobenius norms of the blocks of both operands, in row-major grid order. */
export interface BlockNorms {
  readonly a: Float64Array;
  readonly b: Float64Array;
}

/**
 * Guaranteed bound on ‖Ĉ − C‖_F / (‖A‖_F·‖B‖_F); 0 when an operand is zero.
 *
 * @param shape of the blocks: rows and inner of A's, cols of B's.
 * @param roundings of the product of a task, in which no term of a sum takes part more often.
 */
export function errorBound(options: {
  readonly code: Pick<Code, "encodePlan" | "partition">;
  readonly plan: DecodePlan;
  readonly norms: BlockNorms;
  readonly shape: ProductShape;
  readonly roundings: (task: number) => number;
}): number {
  const { code, plan, norms, shape, roundings } = options;
  const normA = euclidean(norms.a);
  const normB = euclidean(norms.b);
  if (normA === 0 || normB === 0) return 0;

  const products = plan.tasks.map((task) =>
    productBound(code.encodePlan, task, norms, shape, roundings(task)),
  );
  let square = 0;
  for (let r = 0; r < plan.c.rows; r++) {
    const bound =
      misfitBound(code, plan, r, norms, normA * normB) + roundingBound(plan, r, products);
    square += bound * bound;
  }
  return (EVALUATION * Math.sqrt(square)) / (normA * normB);
}

/**
 * Expected ‖Ĉ − C‖_F / ‖C‖_F for data without special correlation:
 * √( Σ_r (‖M_r‖_F² + Σ_s (τ_s w_rs ‖a_s‖‖b_s‖)²) / (m·n·k) ), τ_s being the relative rounding error to be
 * expected of product s.
 */
export function predictedError(options: {
  readonly code: Pick<Code, "encodePlan" | "partition">;
  readonly plan: DecodePlan;
  readonly roundings: (task: number) => number;
}): number {
  const { code, plan, roundings } = options;
  const { m, k, n } = code.partition;
  const normsA = rowNorms(code.encodePlan.a);
  const normsB = rowNorms(code.encodePlan.b);
  const sizes = plan.tasks.map(
    (task) => expectedRounding(roundings(task)) * normsA[task]! * normsB[task]!,
  );
  let square = 0;
  for (let r = 0; r < plan.c.rows; r++) {
    square += plan.misfit[r]! ** 2;
    const weights = tableRow(plan.c, r);
    for (const [s, size] of sizes.entries()) square += (weights[s]! * size) ** 2;
  }
  return Math.sqrt(square / (m * k * n));
}

/** A product's largest possible size and error, both in the Frobenius norm. */
interface ProductBound {
  readonly size: number;
  readonly error: number;
  /** What is lost where every element underflows once. */
  readonly flushed: number;
}

function productBound(
  encodePlan: Code["encodePlan"],
  task: number,
  norms: BlockNorms,
  { rows, inner, cols }: ProductShape,
  roundings: number,
): ProductBound {
  const a = codedBound(tableRow(encodePlan.a, task), norms.a, rows * inner);
  const b = codedBound(tableRow(encodePlan.b, task), norms.b, inner * cols);
  const growth = (1 + a.rounding) * (1 + b.rounding) * (1 + gamma(roundings));
  const steps = 2 * inner * SMALLEST_NORMAL * Math.sqrt(rows * cols);
  const lost = a.flushed * b.size + a.size * b.flushed + a.flushed * b.flushed + steps;
  return {
    size: a.size * b.size * growth + growth * lost,
    error: a.size * b.size * (growth - 1) + growth * lost,
    flushed: SMALLEST_NORMAL * Math.sqrt(rows * cols),
  };
}

/**
 * A coded block Σ α_p A_p: at most Σ|α_p|‖A_p‖ large, summed with this relative rounding, and in
 * underflow this much smaller: once a term, and once as an operand.
 */
function codedBound(row: Float64Array, blocks: Float64Array, elements: number) {
  let size = 0;
  let terms = 0;
  for (let p = 0; p < row.length; p++) {
    size += Math.abs(row[p]!) * blocks[p]!;
    if (row[p] !== 0) terms++;
  }
  const flushed = (2 * terms + 1) * SMALLEST_NORMAL * Math.sqrt(elements);
  return { size, rounding: combinationRounding(row), flushed };
}

/** One rounding of each weight to float32, one of each product, one of each sum but the first. */
function combinationRounding(weights: Float64Array): number {
  let terms = 0;
  let exact = true;
  for (const weight of weights) {
    if (weight === 0) continue;
    terms++;
    exact &&= Math.abs(weight) === 1;
  }
  if (terms <= 1 && exact) return 0;
  return gamma(terms + 1);
}

function roundingBound(plan: DecodePlan, r: number, products: readonly ProductBound[]): number {
  const weights = tableRow(plan.c, r);
  const decode = combinationRounding(weights);
  let bound = 0;
  for (const [s, { size, error, flushed }] of products.entries()) {
    if (weights[s] === 0) continue;
    const weight = Math.abs(weights[s]!);
    bound += weight * (error + decode * size) + (weight + 2) * flushed;
  }
  return bound;
}

function misfitBound(
  code: Pick<Code, "encodePlan" | "partition">,
  plan: DecodePlan,
  r: number,
  norms: BlockNorms,
  normAB: number,
): number {
  const missing = misfitMatrix(code, plan, r);
  let weighted = 0;
  let frobenius = 0;
  for (let p = 0; p < missing.rows; p++) {
    for (let q = 0; q < missing.columns; q++) {
      const value = Math.abs(missing.get(p, q));
      weighted += value * norms.a[p]! * norms.b[q]!;
      frobenius += value * value;
    }
  }
  frobenius = Math.sqrt(frobenius);
  // ‖·‖_F ≥ ‖·‖₂: where even that is lost in the rounding term, no singular values are needed.
  const spectral =
    frobenius < 1e-12
      ? frobenius
      : new SingularValueDecomposition(missing, { autoTranspose: true }).norm2;
  return Math.min(spectral * normAB, weighted);
}

/** target − achieved coefficients of block r: rows are blocks of A, columns blocks of B. */
function misfitMatrix(
  { encodePlan: { a, b }, partition: { k, n } }: Pick<Code, "encodePlan" | "partition">,
  plan: DecodePlan,
  r: number,
): DenseMatrix {
  const missing = DenseMatrix.zeros(a.cols, b.cols);
  const row = Math.floor(r / n);
  const col = r % n;
  for (let l = 0; l < k; l++) missing.set(row * k + l, l * n + col, 1);
  const weights = tableRow(plan.c, r);
  for (const [s, task] of plan.tasks.entries()) {
    if (weights[s] !== 0)
      subtractProduct(missing, weights[s]!, tableRow(a, task), tableRow(b, task));
  }
  return missing;
}

/** M −= w · a ⊗ b. */
function subtractProduct(matrix: DenseMatrix, w: number, a: Float64Array, b: Float64Array): void {
  for (let p = 0; p < a.length; p++) {
    if (a[p] === 0) continue;
    for (let q = 0; q < b.length; q++) {
      if (b[q] !== 0) matrix.set(p, q, matrix.get(p, q) - w * a[p]! * b[q]!);
    }
  }
}

/** √Σv², as of the norms of all blocks: the norm of the whole. */
export function euclidean(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
}
