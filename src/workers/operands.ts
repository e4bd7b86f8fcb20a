import { DeviceLimitError, describeReason, ShapeError } from "../core/errors.ts";
import { isContiguous, type Matrix, requireMatrix } from "../core/matrix.ts";
import type { Task } from "../core/worker.ts";

/** A product C (m×n) of A (m×k) and B (k×n). */
export interface GemmShape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/**
 * The shape of a task's product.
 *
 * @throws {ShapeError} when an operand is malformed or empty, or the two do not fit each other.
 */
export function shapeOf({ index, a, b }: Task): GemmShape {
  requireMatrix("a", a);
  requireMatrix("b", b);
  if (a.cols !== b.rows) {
    throw new ShapeError(
      `task ${index}: a is ${a.rows}×${a.cols} and b ${b.rows}×${b.cols}, ` +
        `but a.cols must equal b.rows`,
    );
  }
  return { m: a.rows, k: a.cols, n: b.cols };
}

/**
 * A copy of the elements, contiguous and row-major, in `memory` (rows·cols elements, overwritten) or
 * in new memory.
 */
export function packedCopy(
  source: Matrix,
  memory?: Float32Array<ArrayBuffer>,
): Float32Array<ArrayBuffer> {
  const { rows, cols, rowStride, data } = source;
  const packed = memory ?? new Float32Array(rows * cols);
  if (isContiguous(source)) {
    packed.set(data.subarray(0, rows * cols));
    return packed;
  }
  for (let row = 0; row < rows; row++) {
    packed.set(data.subarray(row * rowStride, row * rowStride + cols), row * cols);
  }
  return packed;
}

/** JavaScript says RangeError when memory cannot be had; callers are told which limit was met. */
export function asLimitError(error: unknown, what: string): unknown {
  if (!(error instanceof RangeError)) return error;
  return new DeviceLimitError(`no memory for ${what}: ${describeReason(error)}`, { cause: error });
}
