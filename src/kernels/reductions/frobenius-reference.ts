import type { Matrix } from "../../core/matrix.ts";

/**
 * ‖X‖_F² on the CPU, summed in float64: within rows·cols·2^-53, relatively. Neither overflows nor
 * underflows for any float32. A view of any stride.
 */
export function frobeniusReference({ rows, cols, rowStride, data }: Matrix): number {
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const end = row * rowStride + cols;
    for (let at = row * rowStride; at < end; at++) sum += data[at]! * data[at]!;
  }
  return sum;
}
