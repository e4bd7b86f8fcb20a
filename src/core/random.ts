/** A seeded stream of uniform numbers in [0, 1). Same seed, same stream, on every machine. */
export type Random = () => number;

/**
 * Mulberry32 over a hash of the seed's parts, so that streams of neighbouring seeds or of different
 * workers do not resemble each other. For experiments and probes, never for secrets.
 */
export function seededRandom(...seed: readonly (number | string)[]): Random {
  let state = hash(seed.join("\u0000"));
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A draw of the exponential distribution with the given mean. */
export function exponential(random: Random, mean: number): number {
  return mean * -Math.log1p(-random());
}

/** A draw of the Pareto distribution: P(X > x) = (scale / x)^shape for x ≥ scale. */
export function pareto(random: Random, scale: number, shape: number): number {
  return scale / (1 - random()) ** (1 / shape);
}

/** FNV-1a with a final avalanche, 32 bits. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
