import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cut, planGrids } from "../../src/core/blocks.ts";
import { expectedRounding, gamma, UNIT_ROUNDOFF } from "../../src/core/float32.ts";
import { firstNonFinite, frobenius } from "../../src/core/matrix.ts";
import { exponential, seededRandom } from "../../src/core/random.ts";
import { randomMatrix, withRowStride } from "../support/matrices.ts";

const dimension = fc.integer({ min: 1, max: 30 });
const part = fc.integer({ min: 1, max: 6 });

describe("cutting a matrix", () => {
  test("gives views that hold every element exactly once, at its place", () => {
    fc.assert(
      fc.property(dimension, dimension, part, part, (rows, cols, gridRows, gridCols) => {
        const source = withRowStride(randomMatrix(rows, cols, rows, cols), cols + 2);
        const partition = { m: gridRows, k: gridCols, n: 1 };
        const { a: grid } = planGrids({ rows, inner: cols, cols: 1 }, partition);
        const seen = new Set<string>();
        for (const [i, block] of cut(source, grid).entries()) {
          expect(block.data.buffer).toBe(source.data.buffer);
          const top = Math.floor(i / gridCols) * grid.block.rows;
          const left = (i % gridCols) * grid.block.cols;
          for (let r = 0; r < block.rows; r++) {
            for (let c = 0; c < block.cols; c++) {
              const found = block.data[r * block.rowStride + c];
              expect(found).toBe(source.data[(top + r) * source.rowStride + left + c]);
              seen.add(`${top + r},${left + c}`);
            }
          }
        }
        expect(seen.size).toBe(rows * cols);
      }),
    );
  });

  test("makes blocks of padding where there are more parts than rows", () => {
    const { a: grid } = planGrids({ rows: 2, inner: 3, cols: 1 }, { m: 5, k: 1, n: 1 });
    const blocks = cut(randomMatrix(2, 3, 1), grid);
    expect(grid.block).toEqual({ rows: 1, cols: 3 });
    expect(blocks.map(({ rows, cols }) => rows * cols)).toEqual([3, 3, 0, 0, 0]);
  });
});

describe("float32", () => {
  test("γ_n exceeds n·u and is infinite where the analysis ends", () => {
    expect(gamma(0)).toBe(0);
    expect(gamma(1000)).toBeGreaterThan(1000 * UNIT_ROUNDOFF);
    expect(gamma(2 ** 24)).toBe(Number.POSITIVE_INFINITY);
  });

  test("the expected rounding of a sum is what sums of random terms show", () => {
    const random = seededRandom("expected");
    for (const terms of [64, 1024]) {
      let square = 0;
      const sums = 400;
      for (let s = 0; s < sums; s++) {
        let rounded = 0;
        let exact = 0;
        for (let i = 0; i < terms; i++) {
          const [x, y] = [Math.fround(2 * random() - 1), Math.fround(2 * random() - 1)];
          rounded = Math.fround(rounded + Math.fround(x * y));
          exact += x * y;
        }
        square += (rounded - exact) ** 2;
      }
      // Σxy of `terms` products has a standard deviation of √terms/3.
      const measured = Math.sqrt(square / sums) / (Math.sqrt(terms) / 3);
      expect(expectedRounding(terms) / measured).toBeGreaterThan(1 / 2);
      expect(expectedRounding(terms) / measured).toBeLessThan(2);
    }
  });
});

describe("matrices", () => {
  test("the first element that is not finite is found in any row, gaps left out", () => {
    const source = withRowStride(randomMatrix(5, 4, 1), 7); // gaps hold NaN
    expect(firstNonFinite(source)).toBeUndefined();
    source.data[3 * 7 + 2] = Number.NEGATIVE_INFINITY;
    expect(firstNonFinite(source)).toEqual({ row: 3, col: 2, value: Number.NEGATIVE_INFINITY });
    source.data[1 * 7 + 3] = Number.NaN;
    expect(firstNonFinite(source)).toEqual({ row: 1, col: 3, value: Number.NaN });
  });

  test("the Frobenius norm counts elements and not gaps", () => {
    const source = withRowStride(
      { rows: 2, cols: 2, rowStride: 2, data: Float32Array.of(1, 2, 2, 4) },
      3,
    );
    expect(frobenius(source)).toBe(5);
  });
});

describe("seeded randomness", () => {
  test("repeats for the same seed and differs for its neighbours", () => {
    const draw = (...seed: (string | number)[]) => {
      const random = seededRandom(...seed);
      return Array.from({ length: 8 }, () => random());
    };
    expect(draw(1, "a")).toEqual(draw(1, "a"));
    expect(draw(1, "a")).not.toEqual(draw(2, "a"));
    expect(draw(1, "a")).not.toEqual(draw(1, "b"));
    expect(draw(1, 23)).not.toEqual(draw(12, 3));
  });

  test("is uniform, and finite where it becomes exponential", () => {
    const random = seededRandom("uniform");
    const counts = new Array<number>(16).fill(0);
    const draws = 16_000;
    for (let i = 0; i < draws; i++) counts[Math.floor(16 * random())]!++;
    // Each count is binomial: mean 1000, standard deviation below √1000; five of those.
    for (const count of counts)
      expect(Math.abs(count - draws / 16)).toBeLessThan(5 * Math.sqrt(1000));
    expect(exponential(() => 0, 10)).toBeCloseTo(0, 15);
    expect(Number.isFinite(exponential(() => 1 - 2 ** -32, 10))).toBe(true);
  });
});
