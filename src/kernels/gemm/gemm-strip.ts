/** @file The last few columns of a product, for which whole tiles would be mostly waste. */

/** Part of the columns that whole tiles may make in vain before the last ones get a kernel of their own. */
const MOST_WASTE = 0.04;

/**
 * How many of `n` columns remain after whole tiles of `width`; 0 where these are more than `most`, or a
 * whole tile more hardly matters.
 */
export function stripColumns(n: number, width: number, most: number): number {
  const cols = n % width;
  const waste = (width - cols) / (n + width - cols);
  return cols <= most && waste >= MOST_WASTE ? cols : 0;
}
