import type { Matrix } from "../../src/core/matrix.ts";
import { seededRandom } from "../../src/core/random.ts";

/** Float64 values of a rows×cols matrix, row-major without gaps. */
export interface Reference {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float64Array;
}

/** `count` floats, uniform in [-1, 1). Same seed, same numbers. */
export function randomFloats(count: number, ...seed: readonly (number | string)[]): Float32Array {
  const random = seededRandom("floats", ...seed);
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}

/** A rows×cols matrix of elements uniform in [-1, 1). Same seed, same matrix. */
export function randomMatrix(
  rows: number,
  cols: number,
  ...seed: readonly (number | string)[]
): Matrix {
  return { rows, cols, rowStride: cols, data: randomFloats(rows * cols, ...seed) };
}

/** The same elements at a larger row stride, the gaps filled with NaN so that reading one shows. */
export function withRowStride(source: Matrix, rowStride: number): Matrix {
  const { rows, cols } = source;
  const data = new Float32Array(rows === 0 ? 0 : (rows - 1) * rowStride + cols).fill(Number.NaN);
  for (let row = 0; row < rows; row++) {
    const from = row * source.rowStride;
    data.set(source.data.subarray(from, from + cols), row * rowStride);
  }
  return { rows, cols, rowStride, data };
}

/** A new contiguous matrix, rows and columns exchanged. */
export function transposed({ rows, cols, rowStride, data }: Matrix): Matrix {
  const flipped = new Float32Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) flipped[col * rows + row] = data[row * rowStride + col]!;
  }
  return { rows: cols, cols: rows, rowStride: rows, data: flipped };
}

/** A·B in float64: each product exact, the sums good to about 1e-16 of Σ|a||b|. */
export function multiplyReference64(a: Matrix, b: Matrix): Reference {
  return product64(a, b, (value) => value);
}

/** |A|·|B| in float64: what rounding errors of A·B are measured against, element by element. */
export function multiplyMagnitudes64(a: Matrix, b: Matrix): Reference {
  return product64(a, b, Math.abs);
}

/**
 * The largest |actual − expected| as a multiple of its bound, element by element: at most 1 when
 * every element keeps to its bound. The bound of element e is `factor · scale[e]`, `scale` being
 * |A||B| or its like. NaN where `actual` holds one.
 */
export function worstDeviation(
  actual: Matrix,
  expected: Reference,
  bound: { readonly factor: number; readonly scale: Reference },
): number {
  requireSameShape(actual, expected);
  let worst = 0;
  for (let row = 0; row < actual.rows; row++) {
    for (let col = 0; col < actual.cols; col++) {
      const at = row * actual.cols + col;
      const difference = Math.abs(actual.data[row * actual.rowStride + col]! - expected.data[at]!);
      if (difference === 0) continue;
      const ratio = difference / (bound.factor * bound.scale.data[at]!);
      if (!(ratio <= worst)) worst = ratio;
      if (Number.isNaN(worst)) return worst;
    }
  }
  return worst;
}

/** ‖actual − expected‖_F in float64. */
export function distance(actual: Matrix, expected: Reference | Matrix): number {
  requireSameShape(actual, expected);
  const stride = "rowStride" in expected ? expected.rowStride : expected.cols;
  let sum = 0;
  for (let row = 0; row < actual.rows; row++) {
    for (let col = 0; col < actual.cols; col++) {
      const difference =
        actual.data[row * actual.rowStride + col]! - expected.data[row * stride + col]!;
      sum += difference * difference;
    }
  }
  return Math.sqrt(sum);
}

function product64(a: Matrix, b: Matrix, of: (value: number) => number): Reference {
  if (a.cols !== b.rows) throw new Error(`${a.rows}×${a.cols} times ${b.rows}×${b.cols}`);
  const data = new Float64Array(a.rows * b.cols);
  for (let row = 0; row < a.rows; row++) {
    for (let i = 0; i < a.cols; i++) {
      const left = of(a.data[row * a.rowStride + i]!);
      for (let col = 0; col < b.cols; col++) {
        data[row * b.cols + col]! += left * of(b.data[i * b.rowStride + col]!);
      }
    }
  }
  return { rows: a.rows, cols: b.cols, data };
}

function requireSameShape(
  actual: { readonly rows: number; readonly cols: number },
  expected: { readonly rows: number; readonly cols: number },
): void {
  if (actual.rows !== expected.rows || actual.cols !== expected.cols) {
    throw new Error(
      `shapes differ: ${actual.rows}×${actual.cols} and ${expected.rows}×${expected.cols}`,
    );
  }
}
