import { seededRandom } from "../src/index.ts";
import type { Operands } from "./peers/contender.ts";
import type { Shape } from "./record.ts";

/** Random operands in [-1, 1). Same shape, same numbers. */
export function randomOperands({ m, k, n }: Shape): Operands {
  return { m, k, n, a: randomFloats(m * k, "A", m, k, n), b: randomFloats(k * n, "B", m, k, n) };
}

/** `count` floats in [-1, 1). Same seed, same numbers. */
export function randomFloats(
  count: number,
  ...seed: readonly (number | string)[]
): Float32Array<ArrayBuffer> {
  const random = seededRandom("bench", ...seed);
  const floats = new Float32Array(count);
  for (let i = 0; i < count; i++) floats[i] = 2 * random() - 1;
  return floats;
}
