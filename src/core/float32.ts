/** Unit roundoff of float32: one operation errs by at most this fraction of its result. */
export const UNIT_ROUNDOFF = 2 ** -24;

/** Smallest normal float32. A device may replace anything smaller by zero. */
export const SMALLEST_NORMAL = 2 ** -126;

/**
 * γ_n = n·u / (1 − n·u): how far a chain of n float32 operations can stray, whatever their order
 * (Higham, Accuracy and Stability of Numerical Algorithms, Lemma 3.1). `Infinity` where the
 * analysis says nothing, at n·u ≥ 1.
 */
export function gamma(operations: number): number {
  const nu = operations * UNIT_ROUNDOFF;
  return nu < 1 ? nu / (1 - nu) : Number.POSITIVE_INFINITY;
}

/**
 * The relative error to be expected of a product in whose sums a term takes part in up to `roundings`
 * roundings: u·√(1 + r/6). The partial sums of uncorrelated terms grow like √i, so rounding them adds
 * u²/3·i to the variance at step i, r²/6 in all beside the r of the sum itself; the 1 is the operands'.
 */
export function expectedRounding(roundings: number): number {
  return UNIT_ROUNDOFF * Math.sqrt(1 + roundings / 6);
}
