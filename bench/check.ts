import { seededRandom } from "../src/index.ts";
import type { Operands } from "./peers/contender.ts";

/** Unit roundoff of float32. */
const U = 2 ** -24;
/** Multiplications up to which every element is compared with float64. */
const SMALL = 2 ** 24;

/**
 * The error of `product` as a part of its bound γ_k |A||B|, which any order of summation in float32
 * keeps to, k counting roundings: at most 1 where the product is right. Element by element for a small product; for a large
 * one row by row, C·r with A·(B·r) for a random r of ±1.
 *
 * @throws {Error} when the product has another size or is not finite.
 */
export function errorByBound(
  operands: Operands,
  product: Float32Array,
  roundings = operands.k,
): number {
  const { m, k, n } = operands;
  if (product.length !== m * n) throw new Error(`${product.length} elements instead of ${m * n}`);
  const gamma = (roundings * U) / (1 - roundings * U);
  const worst = m * k * n <= SMALL ? byElement(operands, product) : byProbe(operands, product);
  const error = worst / gamma;
  if (!Number.isFinite(error)) throw new Error("elements that are not finite");
  return error;
}

/** ‖(Ĉ − A·B)r‖ by ‖A·B·r‖ for a random r of ±1, in float64: about ‖Ĉ − A·B‖ by ‖A·B‖. */
export function relativeError({ m, k, n, a, b }: Operands, product: Float32Array): number {
  const signs = randomSigns(m, k, n);
  const exact = times(a, m, k, times(b, k, n, signs));
  const actual = times(product, m, n, signs);
  const off = Math.hypot(...exact.map((value, i) => actual[i]! - value));
  return off / Math.hypot(...exact);
}

function byElement({ m, k, n, a, b }: Operands, product: Float32Array): number {
  let worst = 0;
  const exact = new Float64Array(n);
  const scale = new Float64Array(n);
  for (let i = 0; i < m; i++) {
    exact.fill(0);
    scale.fill(0);
    for (let l = 0; l < k; l++) {
      const left = a[i * k + l]!;
      for (let j = 0; j < n; j++) {
        const term = left * b[l * n + j]!;
        exact[j]! += term;
        scale[j]! += Math.abs(term);
      }
    }
    for (let j = 0; j < n; j++) {
      worst = largest(worst, Math.abs(product[i * n + j]! - exact[j]!) / scale[j]!);
    }
  }
  return worst;
}

function byProbe({ m, k, n, a, b }: Operands, product: Float32Array): number {
  const signs = randomSigns(m, k, n);
  const ones = new Float64Array(n).fill(1);
  const exact = times(a, m, k, times(b, k, n, signs));
  const scale = times(a, m, k, times(b, k, n, ones, Math.abs), Math.abs);
  const actual = times(product, m, n, signs);
  let worst = 0;
  for (let i = 0; i < m; i++) worst = largest(worst, Math.abs(actual[i]! - exact[i]!) / scale[i]!);
  return worst;
}

function randomSigns(m: number, k: number, n: number): Float64Array {
  const random = seededRandom("probe", m, k, n);
  return Float64Array.from({ length: n }, () => (random() < 0.5 ? -1 : 1));
}

/** A matrix, its elements mapped, by a vector, in float64. */
function times(
  data: Float32Array,
  rows: number,
  cols: number,
  vector: Float64Array,
  map: (value: number) => number = (value) => value,
): Float64Array {
  const out = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < cols; j++) sum += map(data[i * cols + j]!) * vector[j]!;
    out[i] = sum;
  }
  return out;
}

/** NaN stays NaN. */
function largest(a: number, b: number): number {
  return b > a || Number.isNaN(b) ? b : a;
}
