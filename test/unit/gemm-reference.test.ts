import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ShapeError } from "../../src/core/errors.ts";
import { UNIT_ROUNDOFF } from "../../src/core/float32.ts";
import { matrix, viewOf, zeros } from "../../src/core/matrix.ts";
import { gemmReference } from "../../src/kernels/gemm/gemm-reference.ts";
import {
  multiplyMagnitudes64,
  multiplyReference64,
  randomMatrix,
  withRowStride,
} from "../support/matrices.ts";

describe("gemmReference", () => {
  test("rounds each element of the product once", () => {
    const size = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(size, size, size, fc.nat(), fc.nat(5), (m, k, n, seed, gap) => {
        const a = randomMatrix(m, k, "a", seed);
        const b = randomMatrix(k, n, "b", seed);
        const c = gemmReference(withRowStride(a, k + gap), withRowStride(b, n + gap));
        const exact = multiplyReference64(a, b);
        const scale = multiplyMagnitudes64(a, b);
        expect(c).toMatchObject({ rows: m, cols: n, rowStride: n });
        exact.data.forEach((value, at) => {
          const bound = UNIT_ROUNDOFF * Math.abs(value) + k * 2 ** -51 * scale.data[at]!;
          expect(Math.abs(c.data[at]! - value)).toBeLessThanOrEqual(bound);
        });
      }),
    );
  });

  test("lets NaN and infinity through, also where the other factor is 0", () => {
    const a = matrix(1, 2, Float32Array.of(0, 1));
    const b = matrix(2, 3, Float32Array.of(Number.POSITIVE_INFINITY, Number.NaN, 2, 1, 1, 1));
    expect([...gemmReference(a, b).data]).toEqual([Number.NaN, Number.NaN, 1]);
  });

  test("gives zeros for an empty inner dimension and nothing for an empty outer one", () => {
    const a = randomMatrix(3, 4, 1);
    const none = viewOf(a, { row: 0, col: 0, rows: 3, cols: 0 });
    expect(gemmReference(none, zeros(0, 2))).toEqual(zeros(3, 2));
    expect(gemmReference(zeros(0, 3), a)).toMatchObject({ rows: 0, cols: 4 });
  });

  test("refuses operands that do not meet", () => {
    expect(() => gemmReference(zeros(2, 3), zeros(2, 3))).toThrow(ShapeError);
  });
});
