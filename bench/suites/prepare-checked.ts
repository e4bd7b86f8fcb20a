import { errorByBound } from "../check.ts";
import { seconds } from "../measure.ts";
import type { Contender, GemmJob, Operands } from "../peers/contender.ts";
import type { Copies } from "../record.ts";

/** A job whose product has been checked. */
export interface CheckedJob {
  readonly job: GemmJob;
  /** Products between two waits, so that a sample is long enough for the clock. */
  readonly repeats: number;
  /** From the call that prepares to the first product. */
  readonly firstSeconds: number;
  /** The second product alone. */
  readonly onceSeconds: number;
  /** As a part of the bound. */
  readonly error: number;
}

const LEAST_SAMPLE_SECONDS = 0.02;
const MAX_REPEATS = 64;

/**
 * Prepares a contender for a shape, has it make the product once and checks it.
 *
 * @throws {Error} when the product is wrong, and whatever the contender throws.
 */
export async function prepareChecked(
  contender: Contender,
  operands: Operands,
  copies: Copies,
): Promise<CheckedJob> {
  const began = performance.now();
  const job = await contender.prepare(operands, copies);
  try {
    await job.run(1);
    const firstSeconds = (performance.now() - began) / 1000;
    const error = errorByBound(job.rounded ?? operands, await job.read(), job.roundings);
    if (error > 1) throw new Error(`wrong: ${error.toPrecision(3)} times the error bound`);
    const onceSeconds = await seconds(() => job.run(1));
    const repeats = Math.ceil(Math.min(MAX_REPEATS, LEAST_SAMPLE_SECONDS / onceSeconds));
    // A peer may set up anew for another number of products.
    if (repeats > 1) await job.run(repeats);
    return { job, repeats, firstSeconds, onceSeconds, error };
  } catch (error) {
    await job.dispose();
    throw error;
  }
}
