import { ShapeError } from "../../core/errors.ts";
import type { Matrix } from "../../core/matrix.ts";

/**
 * X·r on the CPU in float64, products exact and sums within cols·2^-53 Σ|x||r|.
 *
 * @param r row-major cols × vectors. Views of any stride.
 * @returns row-major rows × vectors.
 * @throws {ShapeError} when r has another number of rows than X has columns.
 */
export function projectionReference(x: Matrix, r: Matrix): Float64Array {
  if (r.rows !== x.cols) {
    throw new ShapeError(
      `X·r needs as many rows of r as columns of X, got ${x.rows}×${x.cols} times ${r.rows}×${r.cols}`,
    );
  }
  const y = new Float64Array(x.rows * r.cols);
  for (let row = 0; row < x.rows; row++) {
    for (let col = 0; col < x.cols; col++) {
      const element = x.data[row * x.rowStride + col]!;
      for (let j = 0; j < r.cols; j++) {
        y[row * r.cols + j]! += element * r.data[col * r.rowStride + j]!;
      }
    }
  }
  return y;
}
