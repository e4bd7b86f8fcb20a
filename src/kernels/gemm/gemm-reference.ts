import { ShapeError } from "../../core/errors.ts";
import { type Matrix, zeros } from "../../core/matrix.ts";
import { addScaledRows } from "../reductions/row-sums.ts";

/**
 * A·B on the CPU: every product exact, summed in float64 and rounded to float32 once, so
 * |Ĉ − A·B| ≤ 2^-24 |A·B| + k·2^-52 |A||B| element by element. Views of any stride; nothing is
 * skipped, so NaN and ±Inf go where they belong.
 *
 * @throws {ShapeError} when A has another number of columns than B has rows.
 * @returns a new contiguous matrix, the caller's to keep.
 */
export function gemmReference(a: Matrix, b: Matrix): Matrix {
  if (a.cols !== b.rows) {
    throw new ShapeError(
      `A·B needs as many columns of A as rows of B, got ${a.rows}×${a.cols} times ${b.rows}×${b.cols}`,
    );
  }
  const c = zeros(a.rows, b.cols);
  const terms = Array.from({ length: b.rows }, (_, i) => i);
  const rowsOfB = terms.map((i) => b.data.subarray(i * b.rowStride, i * b.rowStride + b.cols));
  const sums = new Float64Array(b.cols);
  for (let row = 0; row < a.rows; row++) {
    const weights = a.data.subarray(row * a.rowStride, row * a.rowStride + a.cols);
    sums.fill(0);
    addScaledRows(sums, rowsOfB, weights, terms);
    c.data.set(sums, row * b.cols);
  }
  return c;
}
