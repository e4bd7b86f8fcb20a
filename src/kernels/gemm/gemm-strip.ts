/** @file The last few columns of a product, for which whole tiles would be mostly waste. */

/** Part of the columns that whole tiles may make in vain before the last ones get a kernel of their own. */
const BEARABLE_WASTE = 0.04;

/**
 * How many of `n` columns tiles of `width` leave over; 0 where these are more than `most`, or so few that
 * a whole tile more does not matter.
 */
export function leftOver(n: number, width: number, most: number): number {
  const cols = n % width;
  const waste = (width - cols) / (n + width - cols);
  return cols <= most && waste >= BEARABLE_WASTE ? cols : 0;
}
