import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { cut } from "../../src/core/blocks.ts";
import { gridOfViews } from "../../src/kernels/combine/combine-views.ts";
import { randomMatrix, withRowStride } from "../support/matrices.ts";

describe("gridOfViews", () => {
  test("finds the matrix again that was cut, however much of the grid lies beyond its edge", () => {
    fc.assert(
      fc.property(anyCut, ({ rows, cols, gap, grid }) => {
        const whole = withRowStride(randomMatrix(rows, cols, "whole"), cols + gap);
        const shape = { rows: Math.ceil(rows / grid.rows), cols: Math.ceil(cols / grid.cols) };
        const views = cut(whole, { gridRows: grid.rows, gridCols: grid.cols, block: shape });
        const found = gridOfViews(views, shape)!;
        expect(found.matrix).toEqual(whole);
        // Where rows or columns are one block each, other grids may have the same blocks.
        const again = cut(found.matrix, {
          gridRows: views.length / found.gridCols,
          gridCols: found.gridCols,
          block: shape,
        });
        expect(again).toEqual(views);
      }),
    );
  });

  test("takes nothing else for the blocks of a matrix", () => {
    const whole = randomMatrix(4, 6, "whole");
    const shape = { rows: 2, cols: 3 };
    const views = cut(whole, { gridRows: 2, gridCols: 2, block: shape });
    expect(gridOfViews(views, shape)?.gridCols).toBe(2);
    expect(gridOfViews([...views].reverse(), shape)).toBeUndefined();
    expect(gridOfViews([views[0]!, views[1]!, views[2]!], shape)).toBeUndefined();
    expect(gridOfViews([views[0]!, randomMatrix(2, 3, "other")], shape)).toBeUndefined();
    expect(gridOfViews(views, { rows: 2, cols: 4 })).toBeUndefined();
    expect(gridOfViews([], shape)).toBeUndefined();
    expect(gridOfViews([randomMatrix(0, 0, "empty")], shape)).toBeUndefined();
  });
});

const anyCut = fc.record({
  rows: fc.integer({ min: 1, max: 12 }),
  cols: fc.integer({ min: 1, max: 12 }),
  gap: fc.nat(3),
  grid: fc.record({
    rows: fc.integer({ min: 1, max: 5 }),
    cols: fc.integer({ min: 1, max: 5 }),
  }),
});
