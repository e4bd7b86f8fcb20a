import type { Partition } from "./code.ts";
import { type Matrix, viewOf } from "./matrix.ts";

/** A matrix cut into gridRows×gridCols blocks of one nominal shape; the edge is padded with zeros. */
export interface BlockGrid {
  readonly gridRows: number;
  readonly gridCols: number;
  /** Nominal shape of every block. */
  readonly block: BlockShape;
}

export interface BlockShape {
  readonly rows: number;
  readonly cols: number;
}

/** The three grids of one product. */
export interface ProductGrids {
  readonly a: BlockGrid;
  readonly b: BlockGrid;
  readonly c: BlockGrid;
}

/**
 * Cuts A (rows×inner), B (inner×cols) and C by `partition`. Dimensions that do not divide are
 * padded up to the next multiple: with more parts than rows, the last blocks are nothing but padding.
 */
export function planGrids(
  shape: { readonly rows: number; readonly inner: number; readonly cols: number },
  partition: Partition,
): ProductGrids {
  const rows = Math.ceil(shape.rows / partition.m);
  const inner = Math.ceil(shape.inner / partition.k);
  const cols = Math.ceil(shape.cols / partition.n);
  const { m, k, n } = partition;
  return {
    a: { gridRows: m, gridCols: k, block: { rows, cols: inner } },
    b: { gridRows: k, gridCols: n, block: { rows: inner, cols } },
    c: { gridRows: m, gridCols: n, block: { rows, cols } },
  };
}

/**
 * Views of the blocks in row-major grid order. Nothing is copied: a block at the edge is the part of
 * it that exists, smaller than nominal, possibly 0×0. What is missing counts as zero.
 */
export function cut(matrix: Matrix, grid: BlockGrid): Matrix[] {
  const { rows: height, cols: width } = grid.block;
  const blocks: Matrix[] = [];
  for (let i = 0; i < grid.gridRows; i++) {
    const row = Math.min(i * height, matrix.rows);
    const rows = Math.min(height, matrix.rows - row);
    for (let j = 0; j < grid.gridCols; j++) {
      const col = Math.min(j * width, matrix.cols);
      const cols = Math.min(width, matrix.cols - col);
      const exists = rows > 0 && cols > 0;
      blocks.push(viewOf(matrix, { row, col, rows: exists ? rows : 0, cols: exists ? cols : 0 }));
    }
  }
  return blocks;
}
