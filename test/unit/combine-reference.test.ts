import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { cut, planGrids } from "../../src/core/blocks.ts";
import { ShapeError } from "../../src/core/errors.ts";
import { UNIT_ROUNDOFF } from "../../src/core/float32.ts";
import { type Matrix, zeros } from "../../src/core/matrix.ts";
import { seededRandom } from "../../src/core/random.ts";
import { table } from "../../src/core/table.ts";
import { combineReference } from "../../src/kernels/combine/combine-reference.ts";
import { randomMatrix } from "../support/matrices.ts";

describe("combineReference", () => {
  test("combines blocks cut from a matrix into blocks cut from another, whatever is clipped", () => {
    const size = fc.integer({ min: 1, max: 13 });
    const parts = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(size, size, parts, parts, fc.nat(), (height, width, gridRows, gridCols, seed) => {
        const grid = planGrids(
          { rows: height, inner: width, cols: 1 },
          { m: gridRows, k: gridCols, n: 1 },
        ).a;
        const inputs = cut(randomMatrix(height, width, seed), grid);
        const target = zeros(height, width);
        target.data.fill(Number.NaN);
        const outputs = cut(target, grid);
        const random = seededRandom(seed);
        const coefficients = table(inputs.length, inputs.length, () =>
          random() < 0.3 ? 0 : 2 * random() - 1,
        );

        combineReference(coefficients, inputs, outputs);

        outputs.forEach((output, r) => {
          for (let i = 0; i < output.rows; i++) {
            for (let j = 0; j < output.cols; j++) {
              const terms = inputs.map(
                (input, c) => coefficients.weights[r * inputs.length + c]! * elementOf(input, i, j),
              );
              const exact = terms.reduce((sum, term) => sum + term, 0);
              const magnitude = terms.reduce((sum, term) => sum + Math.abs(term), 0);
              const bound =
                UNIT_ROUNDOFF * Math.abs(exact) + (inputs.length + 1) * 2 ** -51 * magnitude;
              expect(Math.abs(elementOf(output, i, j) - exact)).toBeLessThanOrEqual(bound);
            }
          }
        });
        expect(target.data.some(Number.isNaN)).toBe(false);
      }),
    );
  });

  test("does not read an input whose weight is 0", () => {
    const lost = zeros(2, 2);
    lost.data.fill(Number.NaN);
    const output = zeros(2, 2);
    combineReference(
      table(1, 2, (_, c) => c),
      [lost, randomMatrix(2, 2, 1)],
      [output],
    );
    expect(output.data).toEqual(randomMatrix(2, 2, 1).data);
  });

  test("makes zeros of nothing", () => {
    const output = randomMatrix(2, 3, 1);
    combineReference({ rows: 1, cols: 0, weights: new Float64Array(0) }, [], [output]);
    expect(output).toEqual(zeros(2, 3));
  });

  test("refuses a table of another size than the blocks", () => {
    const blocks = [zeros(1, 1)];
    expect(() =>
      combineReference(
        table(2, 1, () => 1),
        blocks,
        blocks,
      ),
    ).toThrow(ShapeError);
    expect(() =>
      combineReference(
        table(1, 2, () => 1),
        blocks,
        blocks,
      ),
    ).toThrow(ShapeError);
  });
});

function elementOf({ rows, cols, rowStride, data }: Matrix, row: number, col: number): number {
  return row < rows && col < cols ? data[row * rowStride + col]! : 0;
}
