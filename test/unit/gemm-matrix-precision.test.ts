import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { gamma } from "../../src/core/float32.ts";
import type { Matrix } from "../../src/core/matrix.ts";
import { splitRoundings } from "../../src/kernels/gemm/gemm-matrix.ts";
import { fromHalves } from "../../src/kernels/halves/halves.ts";
import { splitReference } from "../../src/kernels/halves/halves-reference.ts";
import {
  distance,
  multiplyMagnitudes64,
  multiplyReference64,
  randomMatrix,
} from "../support/matrices.ts";

/** How deep the matrices of tensor cores are. */
const DEPTH = 16;
const LOW = 2 ** 11;

describe("a float32 as a pair of halves", () => {
  /** Any float32 but NaN and ±Inf, evenly over exponents. */
  const float = fc
    .integer({ min: 0, max: 2 ** 32 - 1 })
    .map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0]!)
    .filter(Number.isFinite);

  test("errs by 2^-23 of itself and 2^-39 of the largest at most, without subnormal halves", () => {
    fc.assert(
      fc.property(fc.array(float, { minLength: 1, maxLength: 20 }), (line) => {
        const data = Float32Array.from(line);
        const matrix = { rows: 1, cols: data.length, rowStride: data.length, data };
        const { values, scales, halves } = pairs(matrix, "rows");
        const largest = Math.max(...line.map(Math.abs));
        for (const [i, x] of line.entries()) {
          const error = Math.abs(values[i]! / scales[0]! - x);
          expect(error).toBeLessThanOrEqual(2 ** -23 * Math.abs(x) + 2 ** -39 * largest);
        }
        const sizes = [...halves].map((bits) => bits & 0x7fff);
        expect(sizes.every((size) => size === 0 || (size >= 0x400 && size < 0x7c00))).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test("is exact where 22 bits suffice and magnitudes are alike", () => {
    const data = Float32Array.from({ length: 64 }, (_, i) => (2 ** 21 + 32_749 * i) / 2 ** 19);
    const matrix = { rows: 4, cols: 16, rowStride: 16, data };
    const { values, scales } = pairs(matrix, "columns");
    values.forEach((value, at) => void expect(value / scales[at % 16]!).toBe(data[at]!));
  });
});

describe("a product of pairs of halves", () => {
  const cases: readonly (readonly [string, (at: number) => number])[] = [
    ["alike", () => 1],
    ["of rows of A from 1e-30 to 1e30", (row) => [1e30, 1e-30, 1, 1e-12][row % 4]!],
  ];
  for (const truncating of [false, true]) {
    const how = truncating ? "truncated" : "rounded";
    test.each(cases)(
      `keeps its bound element by element, sums ${how}, magnitudes %s`,
      (_, scale) => {
        const { a, b } = operands(
          24,
          300,
          20,
          (x, line, _at, name) => x * (name === "a" ? scale(line) : 1),
        );
        const product = multiplyPairs(a, b, truncating);
        expect(worst(product, a, b)).toBeLessThanOrEqual(1);
        // Nor is the bound far too wide: the terms of one element add up at random.
        expect(worst(product, a, b)).toBeGreaterThan(2 ** -12);
      },
    );

    test(`keeps its bound, sums ${how}, within rows of all magnitudes`, () => {
      const { a, b } = operands(16, 128, 16, (x, line, at) => x * 2 ** -((at * 7 + line) % 60));
      expect(worst(multiplyPairs(a, b, truncating), a, b)).toBeLessThanOrEqual(1);
    });

    test(`is within 2^-20 of ‖A‖‖B‖, sums ${how}`, () => {
      for (const k of [64, 1024]) {
        const { a, b } = operands(16, k, 16, (x) => x);
        expect(relativeError(multiplyPairs(a, b, truncating), a, b)).toBeLessThan(2 ** -22);
      }
    });

    test(`is still within its bound where all products have one sign, sums ${how}`, () => {
      const { a, b } = operands(8, 1024, 8, (x) => Math.abs(x));
      const product = multiplyPairs(a, b, truncating);
      expect(worst(product, a, b)).toBeLessThanOrEqual(1);
      // Truncation pulls every sum the same way: that is why a sum ends after so much of k.
      expect(relativeError(product, a, b)).toBeLessThan(truncating ? 2 ** -15 : 2 ** -20);
    });
  }

  test("needs its low halves: without them it is hundreds of times worse", () => {
    const { a, b } = operands(16, 256, 16, (x) => x);
    const high = multiplyPairs(a, b, false, { withoutLow: true });
    expect(relativeError(high, a, b)).toBeGreaterThan(
      500 * relativeError(multiplyPairs(a, b, false), a, b),
    );
  });

  test("is exact for small integers", () => {
    const { a, b } = operands(9, 40, 7, (x) => Math.trunc(x * 200));
    const product = multiplyPairs(a, b, true);
    expect([...product.data]).toEqual([...multiplyReference64(a, b).data]);
  });

  test("does not depend on powers of two that rows and columns are multiplied by", () => {
    const { a, b } = operands(6, 50, 5, (x) => x);
    const factors = [2 ** 40, 2 ** -40, 1];
    const scaledA = { ...a, data: a.data.map((x, at) => x * factors[Math.floor(at / 50) % 3]!) };
    const scaledB = { ...b, data: b.data.map((x, at) => x * factors[(at % 5) % 3]!) };
    const plain = multiplyPairs(a, b, true);
    const scaled = multiplyPairs(scaledA, scaledB, true);
    scaled.data.forEach((value, at) => {
      const factor = factors[Math.floor(at / 5) % 3]! * factors[(at % 5) % 3]!;
      expect(value).toBe(plain.data[at]! * factor);
    });
  });
});

interface Pairs {
  /** high + low/2^11 of every element, row by row. */
  readonly values: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  /** What every line was multiplied by. */
  readonly scales: readonly number[];
  readonly halves: Uint16Array;
}

function pairs(matrix: Matrix, by: "rows" | "columns"): Pairs {
  const { octets, halves, maxima } = splitReference(matrix, by);
  const numbers = fromHalves(halves);
  const { rows, cols } = matrix;
  const at = (row: number, col: number) => (row * octets + Math.floor(col / 8)) * 16 + (col % 8);
  const each = (of: (place: number) => number) =>
    Float64Array.from({ length: rows * cols }, (_, i) => of(at(Math.floor(i / cols), i % cols)));
  const scales = [...new Float32Array(maxima.buffer)].map((largest) =>
    largest === 0 ? 1 : 2 ** (14 - Math.floor(Math.log2(largest))),
  );
  return {
    values: each((place) => numbers[place]! + numbers[place + 8]! / LOW),
    high: each((place) => numbers[place]!),
    low: each((place) => numbers[place + 8]!),
    scales,
    halves,
  };
}

/**
 * A·B as shaders/gemm_matrix.wgsl makes it of pairs. One step of the sums adds sixteen products; where it
 * truncates, each is cut to the places that float32 has at the largest, and the result once more.
 */
function multiplyPairs(
  a: Matrix,
  b: Matrix,
  truncating: boolean,
  { withoutLow = false } = {},
): Matrix {
  const [left, right] = [pairs(a, "rows"), pairs(b, "columns")];
  const add = truncating ? addTruncating : addRounding;
  const data = new Float32Array(a.rows * b.cols);
  for (let row = 0; row < a.rows; row++) {
    for (let col = 0; col < b.cols; col++) {
      let main = 0;
      let rest = 0;
      for (let first = 0; first < a.cols; first += DEPTH) {
        const end = Math.min(a.cols, first + DEPTH);
        const products = (x: Float64Array, y: Float64Array) =>
          Array.from(
            { length: end - first },
            (_, i) => x[row * a.cols + first + i]! * y[(first + i) * b.cols + col]!,
          );
        main = add(main, products(left.high, right.high));
        rest = add(rest, products(left.high, right.low));
        rest = add(rest, products(left.low, right.high));
      }
      const sum = Math.fround(main + (withoutLow ? 0 : rest / LOW));
      data[row * b.cols + col] = sum / left.scales[row]! / right.scales[col]!;
    }
  }
  return { rows: a.rows, cols: b.cols, rowStride: b.cols, data };
}

function addRounding(sum: number, products: readonly number[]): number {
  return products.reduce((total, product) => Math.fround(total + product), sum);
}

function addTruncating(sum: number, products: readonly number[]): number {
  const terms = [sum, ...products];
  const largest = Math.max(...terms.map(Math.abs));
  if (largest === 0) return 0;
  const cut = (value: number, exponent: number) => {
    const place = 2 ** (exponent - 23);
    return Math.trunc(value / place) * place;
  };
  const total = terms
    .map((term) => cut(term, Math.floor(Math.log2(largest))))
    .reduce((x, y) => x + y, 0);
  return total === 0 ? 0 : cut(total, Math.floor(Math.log2(Math.abs(total))));
}

function operands(
  m: number,
  k: number,
  n: number,
  of: (x: number, line: number, at: number, name: "a" | "b") => number,
): { readonly a: Matrix; readonly b: Matrix } {
  const a = randomMatrix(m, k, "pairs a", m, k, n);
  const b = randomMatrix(k, n, "pairs b", m, k, n);
  return {
    a: { ...a, data: a.data.map((x, at) => of(x, Math.floor(at / k), at % k, "a")) },
    b: { ...b, data: b.data.map((x, at) => of(x, at % n, Math.floor(at / n), "b")) },
  };
}

/** The largest error as a multiple of its bound, element by element. */
function worst(product: Matrix, a: Matrix, b: Matrix): number {
  const exact = multiplyReference64(a, b);
  const scale = multiplyMagnitudes64(a, b);
  const k = a.cols;
  const factor = gamma(splitRoundings(k, DEPTH));
  const ratios = Array.from(product.data, (value, at) => {
    const [row, col] = [Math.floor(at / b.cols), at % b.cols];
    const largestA = Math.max(...a.data.subarray(row * k, row * k + k).map(Math.abs));
    const largestB = Math.max(
      ...Array.from({ length: k }, (_, i) => Math.abs(b.data[i * b.cols + col]!)),
    );
    const bound = factor * scale.data[at]! + k * 2 ** -36 * largestA * largestB;
    return Math.abs(value - exact.data[at]!) / bound;
  });
  return Math.max(...ratios);
}

/** ‖Ĉ − C‖_F / (‖A‖_F ‖B‖_F). */
function relativeError(product: Matrix, a: Matrix, b: Matrix): number {
  const norm = ({ data }: Matrix) => Math.hypot(...data);
  return distance(product, multiplyReference64(a, b)) / (norm(a) * norm(b));
}
