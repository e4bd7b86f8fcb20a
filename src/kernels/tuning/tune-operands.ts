/**
 * @file Operands with which a product can be checked exactly. Of each a·b one factor is a whole number up
 * to 2^12, or for halves 2^11, and the other -1, 0 or 1; which one is which changes from one step of k to
 * the next, so that every part of a split operand counts. Then every product a·b is exact, and so is every partial sum as
 * long as it is below 2^24, in whatever order a kernel adds: a random walk of k such terms stays
 * below that, by more than 8 standard deviations, up to k = 10^6. So a right kernel has no rounding
 * error, and C·r = A·(B·r) holds to the last bit for any r of whole numbers; all sums are below 2^53.
 */

import type { GemmPrecision, GemmShape } from "../gemm/gemm-family.ts";

/** How operands are stored. */
export interface OperandLayout {
  readonly precision: GemmPrecision;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** What C is checked against. */
export interface ExactCheck {
  /** n whole numbers from 1 to 1023. */
  readonly r: Float64Array;
  /** A·(B·r), m numbers. */
  readonly expected: Float64Array;
}

/** Bytes of an operand as stored; a multiple of 4. */
export function operandSize(elements: number, precision: GemmPrecision): number {
  return precision === "f16" ? 4 * Math.ceil(elements / 2) : 4 * elements;
}

/**
 * Fills A and B, contiguous and laid out as told, with numbers that are the same for the same shape.
 *
 * @param a of `operandSize(m·k)` bytes; `b` likewise.
 */
export function fillOperands(
  { m, k, n }: GemmShape,
  layout: OperandLayout,
  { a, b }: { readonly a: ArrayBuffer; readonly b: ArrayBuffer },
): ExactCheck {
  const { precision, transposeA, transposeB } = layout;
  const random = xorshift(m * 31 + k * 17 + n);
  const r = Float64Array.from({ length: n }, () => 1 + (random() % 1023));
  const size = precision === "f16" ? 2048 : 4096;

  const br = new Float64Array(k);
  const writeB = writer(b, precision);
  const [rowsOfB, colsOfB] = transposeB ? [n, k] : [k, n];
  for (let row = 0; row < rowsOfB; row++) {
    for (let col = 0; col < colsOfB; col++) {
      const value = (transposeB ? col : row) % 2 === 0 ? unit(random) : whole(random, size);
      writeB(row * colsOfB + col, value);
      if (transposeB) br[col]! += value * r[row]!;
      else br[row]! += value * r[col]!;
    }
  }

  const expected = new Float64Array(m);
  const writeA = writer(a, precision);
  const [rowsOfA, colsOfA] = transposeA ? [k, m] : [m, k];
  for (let row = 0; row < rowsOfA; row++) {
    for (let col = 0; col < colsOfA; col++) {
      const value = (transposeA ? row : col) % 2 === 0 ? whole(random, size) : unit(random);
      writeA(row * colsOfA + col, value);
      if (transposeA) expected[col]! += value * br[row]!;
      else expected[row]! += value * br[col]!;
    }
  }
  return { r, expected };
}

function unit(random: () => number): number {
  return (random() % 3) - 1;
}

function whole(random: () => number, size: number): number {
  return (random() % (2 * size)) - size;
}

/**
 * The first row in which C is wrong; undefined when there is none.
 *
 * @param rows of C, contiguous, the first of which is row `firstRow`.
 */
export function wrongRow(
  rows: Float32Array,
  firstRow: number,
  { r, expected }: ExactCheck,
): number | undefined {
  const count = rows.length / r.length;
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let j = 0; j < r.length; j++) sum += rows[row * r.length + j]! * r[j]!;
    if (sum !== expected[firstRow + row]) return firstRow + row;
  }
  return undefined;
}

function writer(
  buffer: ArrayBuffer,
  precision: GemmPrecision,
): (at: number, value: number) => void {
  if (precision === "f16") {
    const halves = new Uint16Array(buffer);
    return (at, value) => {
      halves[at] = halfOfInteger(value);
    };
  }
  const floats = new Float32Array(buffer);
  return (at, value) => {
    floats[at] = value;
  };
}

/** IEEE binary16 of a whole number of at most 2048, which is exact. */
export function halfOfInteger(value: number): number {
  if (value === 0) return 0;
  const size = Math.abs(value);
  const exponent = 31 - Math.clz32(size);
  const fraction = (size - 2 ** exponent) * 2 ** (10 - exponent);
  return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
}

/** Whole numbers from 0 to 2^32 - 1, faster by far than `seededRandom`: there are millions of them. */
function xorshift(seed: number): () => number {
  let state = (seed | 0) ^ 0x2545f491 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
