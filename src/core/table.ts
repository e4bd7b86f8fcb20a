import type { BlockCombination } from "./code.ts";

/** A rows×cols coefficient table whose entries `entry` gives. */
export function table(
  rows: number,
  cols: number,
  entry: (row: number, col: number) => number,
): BlockCombination {
  const weights = new Float64Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) weights[row * cols + col] = entry(row, col);
  }
  return { rows, cols, weights };
}

/** Row `row` of a table, as a view. */
export function tableRow({ cols, weights }: BlockCombination, row: number): Float64Array {
  return weights.subarray(row * cols, (row + 1) * cols);
}

/** Rows first … first+count-1 of a table, as a view. */
export function tableRows(
  { cols, weights }: BlockCombination,
  first: number,
  count: number,
): BlockCombination {
  return { rows: count, cols, weights: weights.subarray(first * cols, (first + count) * cols) };
}

/** ‖row‖₂ of each row. */
export function rowNorms(source: BlockCombination): Float64Array {
  return Float64Array.from({ length: source.rows }, (_, row) =>
    Math.sqrt(tableRow(source, row).reduce((sum, weight) => sum + weight * weight, 0)),
  );
}
