/** @file Where the blocks of one side of a combination lie in their buffer. Pure arithmetic. */

import type { BlockShape } from "../../core/blocks.ts";
import { ShapeError } from "../../core/errors.ts";
import {
  type BindingWindow,
  type KernelLimits,
  requireCount,
  requireStored,
  type Span,
  type StoredMatrix,
  spanLength,
  windowOf,
} from "../tiling.ts";

/**
 * Blocks that lie where they are in one row-major matrix: block (i, j) begins at row i·block.rows and
 * column j·block.cols, and is number i·gridCols + j. Blocks are cut off at the edge of the matrix: of an
 * input the missing part counts as zero, of an output it is not stored.
 */
export interface MatrixGrid {
  /** Of the whole matrix, in elements. May be smaller than the grid, by whole blocks even. */
  readonly rows: number;
  readonly cols: number;
  /** Elements from one row of the matrix to the next. Default: `cols`. */
  readonly rowStride?: number;
  /** Blocks side by side, a divisor of the number of blocks. */
  readonly gridCols: number;
}

/** The blocks of one side: a stack is a grid of one column that nothing cuts off. */
export interface BlockLayout {
  /** All that the buffer must hold: the stack, a block a row, or the matrix. */
  readonly stored: StoredMatrix;
  readonly count: number;
  readonly gridCols: number;
  /** Elements from a block to the one below it, to the one beside it, and from row to row of a block. */
  readonly gridRowStride: number;
  readonly gridColStride: number;
  readonly rowStride: number;
  /** How many rows of the blocks of each grid row exist, and how many columns of each grid column. */
  readonly heights: readonly number[];
  readonly widths: readonly number[];
}

/** A rectangle of a block's elements. */
export interface BlockArea {
  readonly rows: Span;
  readonly cols: Span;
}

/** @throws whatever `requireStored` does for a stack that no buffer holds or whose blocks overlap. */
export function stackLayout(
  name: string,
  stack: {
    readonly count: number;
    readonly shape: BlockShape;
    readonly strideElements: number;
    readonly offset: number;
  },
  limits: KernelLimits,
): BlockLayout {
  const { count, shape, strideElements, offset } = stack;
  const cols = shape.rows * shape.cols;
  const stored = { rows: count, cols, rowStride: strideElements, offset };
  requireStored(name, stored, limits);
  return {
    stored,
    count,
    gridCols: 1,
    gridRowStride: strideElements,
    gridColStride: 0,
    rowStride: shape.cols,
    heights: Array.from({ length: count }, () => shape.rows),
    widths: [shape.cols],
  };
}

/**
 * @throws {ShapeError} when the matrix is empty or reaches beyond its grid, or the blocks do not fill
 *   whole rows of it; and whatever `requireStored` throws.
 */
export function gridLayout(
  name: string,
  matrix: MatrixGrid & { readonly count: number; readonly offset: number },
  block: BlockShape,
  limits: KernelLimits,
): BlockLayout {
  const { rows, cols, rowStride = cols, gridCols, count, offset } = matrix;
  requireCount(`${name}.rows`, rows);
  requireCount(`${name}.cols`, cols);
  requireCount(`${name}.gridCols`, gridCols);
  const gridRows = count / gridCols;
  if (!Number.isInteger(gridRows)) {
    throw new ShapeError(
      `${name}.gridCols must divide the number of blocks, ${count}, got ${gridCols}`,
    );
  }
  if (rows > gridRows * block.rows || cols > gridCols * block.cols) {
    throw new ShapeError(
      `${name}: ${gridRows}×${gridCols} blocks of ${block.rows}×${block.cols} do not cover ${rows}×${cols}`,
    );
  }
  const stored = { rows, cols, rowStride, offset };
  requireStored(name, stored, limits);
  const existing = (total: number, size: number, parts: number) =>
    Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(size, total - i * size)));
  return {
    stored,
    count,
    gridCols,
    gridRowStride: block.rows * rowStride,
    gridColStride: block.cols,
    rowStride,
    heights: existing(rows, block.rows, gridRows),
    widths: existing(cols, block.cols, gridCols),
  };
}

/** The numbers of the blocks that have element (row, col), in order: the top left part of the grid. */
export function presentBlocks(layout: BlockLayout, row: number, col: number): number[] {
  const { count, gridCols, heights, widths } = layout;
  return Array.from({ length: count }, (_, i) => i).filter(
    (i) => row < heights[Math.floor(i / gridCols)]! && col < widths[i % gridCols]!,
  );
}

/**
 * Cuts a block where some block of one of the layouts ends, so that every block has an area whole or
 * not at all.
 */
export function uniformAreas(shape: BlockShape, layouts: readonly BlockLayout[]): BlockArea[] {
  const rows = cutAt(
    shape.rows,
    layouts.flatMap((layout) => layout.heights),
  );
  const cols = cutAt(
    shape.cols,
    layouts.flatMap((layout) => layout.widths),
  );
  return rows.flatMap((rowSpan) => cols.map((colSpan) => ({ rows: rowSpan, cols: colSpan })));
}

/** Elements of the buffer from the first to the last that `area` of the blocks touches. */
export function extentOf(layout: BlockLayout, blocks: readonly number[], area: BlockArea): number {
  const between = originOf(layout, blocks.at(-1)!) - originOf(layout, blocks[0]!);
  return between + spanLength(area.rows.count, area.cols.count, layout.rowStride);
}

/**
 * The window that holds `area` of `blocks`, which are in ascending order, and where in it the first
 * element of each of them lies.
 */
export function windowOfBlocks(
  layout: BlockLayout,
  blocks: readonly number[],
  area: BlockArea,
  limits: KernelLimits,
): { readonly window: BindingWindow; readonly origins: readonly number[] } {
  const { rowStride } = layout;
  const inBlock = area.rows.first * rowStride + area.cols.first;
  const first = originOf(layout, blocks[0]!);
  const cols = extentOf(layout, blocks, area);
  const line = { rows: 1, cols, rowStride: cols, offset: first + inBlock };
  const whole = { rows: { first: 0, count: 1 }, cols: { first: 0, count: cols } };
  const window = windowOf(line, whole, limits);
  const origins = blocks.map((block) => window.base + originOf(layout, block) - first);
  return { window, origins };
}

/** Where a block begins, in elements of the buffer. Ascends with the number of the block. */
function originOf(layout: BlockLayout, block: number): number {
  const { stored, gridCols, gridRowStride, gridColStride } = layout;
  const i = Math.floor(block / gridCols);
  return stored.offset + i * gridRowStride + (block % gridCols) * gridColStride;
}

function cutAt(total: number, points: readonly number[]): Span[] {
  const inside = points.filter((point) => point > 0 && point < total);
  const ends = [...new Set([...inside, total])].sort((a, b) => a - b);
  return ends.map((end, i) => {
    const first = i === 0 ? 0 : ends[i - 1]!;
    return { first, count: end - first };
  });
}
