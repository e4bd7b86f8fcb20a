import type { Partition } from "../core/code.ts";
import { CodeParameterError } from "../core/errors.ts";

/** Tables beyond this many coefficients are a mistake in the parameters, not a code. */
const MAX_COEFFICIENTS = 2 ** 24;

/** @throws {CodeParameterError} unless `value` is an integer of at least `least`. */
export function requireInteger(name: string, value: number, least: number, why = ""): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  const rule =
    least === 1 && why === "" ? "a positive integer" : `an integer of at least ${why}${least}`;
  throw new CodeParameterError(`${name} must be ${rule}, got ${String(value)}`);
}

/** @throws {CodeParameterError} unless m, k and n are positive integers. */
export function requirePartition(partition: Partition): void {
  if (typeof partition !== "object" || partition === null) {
    throw new CodeParameterError(`partition must be { m, k, n }, got ${String(partition)}`);
  }
  requireInteger("partition.m", partition.m, 1);
  requireInteger("partition.k", partition.k, 1);
  requireInteger("partition.n", partition.n, 1);
}

/** @throws {CodeParameterError} when the encode tables of a code would not fit in memory. */
export function requireTableSize(tasks: number, { m, k, n }: Partition): void {
  const coefficients = tasks * (m * k + k * n);
  if (coefficients > MAX_COEFFICIENTS) {
    throw new CodeParameterError(
      `tasks and partition must give at most ${MAX_COEFFICIENTS} coefficients, ` +
        `got ${tasks} tasks of ${m * k} + ${k * n} blocks`,
    );
  }
}
