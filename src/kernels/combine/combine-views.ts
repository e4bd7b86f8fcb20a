import type { BlockShape } from "../../core/blocks.ts";
import type { Matrix } from "../../core/matrix.ts";

/** Views that are the blocks of one matrix, each where it lies. */
export interface ViewGrid {
  /** The matrix that was cut. */
  readonly matrix: Matrix;
  readonly gridCols: number;
}

/**
 * The matrix of which `views` are all the blocks in row-major order, cut off at its edge as `cut` of
 * core/blocks.ts does, so that it can be moved as it is. Undefined where they are no such blocks.
 */
export function gridOfViews(views: readonly Matrix[], block: BlockShape): ViewGrid | undefined {
  const [first] = views;
  if (!first || first.rows === 0 || first.cols === 0) return undefined;
  for (let gridCols = 1; gridCols <= views.length; gridCols++) {
    if (views.length % gridCols !== 0) continue;
    const across = views.slice(0, gridCols);
    const down = views.filter((_, i) => i % gridCols === 0);
    const cols = across.reduce((sum, view) => sum + view.cols, 0);
    const rows = down.reduce((sum, view) => sum + view.rows, 0);
    const { rowStride, data } = first;
    const whole = { rows, cols, rowStride };
    if (cols > rowStride && rows > 1) continue;
    if (!views.every((view, i) => isBlock(view, { ...whole, data }, block, i, gridCols))) continue;
    const length = (rows - 1) * rowStride + cols;
    return {
      matrix: { ...whole, data: new Float32Array(data.buffer, data.byteOffset, length) },
      gridCols,
    };
  }
  return undefined;
}

/** Whether `view` is block `index` of a matrix whose first element is that of `whole.data`. */
function isBlock(
  view: Matrix,
  whole: Matrix,
  block: BlockShape,
  index: number,
  gridCols: number,
): boolean {
  const row = Math.floor(index / gridCols) * block.rows;
  const col = (index % gridCols) * block.cols;
  const rows = Math.max(0, Math.min(block.rows, whole.rows - row));
  const cols = Math.max(0, Math.min(block.cols, whole.cols - col));
  if (rows === 0 || cols === 0) return view.rows === 0 || view.cols === 0;
  const start = whole.data.byteOffset + 4 * (row * whole.rowStride + col);
  return (
    view.rows === rows &&
    view.cols === cols &&
    view.rowStride === whole.rowStride &&
    view.data.buffer === whole.data.buffer &&
    view.data.byteOffset === start
  );
}
