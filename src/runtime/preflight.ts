import type { Code } from "../core/code.ts";
import { CodeParameterError } from "../core/errors.ts";
import { predictedError } from "./error-bound.ts";

/** Where the error to be expected is half of the product itself, the answer is noise. */
const HOPELESS = 0.5;

/**
 * Refuses a code that is so badly conditioned that float32 products say nothing about C, before
 * anything is sent. Looks at the products that are likely to arrive first; the plan is kept by the
 * code, so nothing is computed twice when they do.
 *
 * @param roundings of a worker's product, as for the error bound.
 * @throws {CodeParameterError} with the error that was to be expected, and what to do.
 */
export function requireUsable(code: Code, roundings: number): void {
  const { recoveryThreshold, tasks } = code;
  if (!(recoveryThreshold <= tasks)) return;
  const first = new Set(Array.from({ length: recoveryThreshold }, (_, task) => task));
  const plan = code.decodePlan(first);
  const predicted = predictedError({ code, plan, roundings: () => roundings });
  if (predicted <= HOPELESS) return;
  throw new CodeParameterError(
    `code must keep some digits of float32, but ${code.name} amplifies rounding to about ` +
      `${predicted.toPrecision(2)} times the product itself: cut into fewer parts, take other points, ` +
      "or replicate",
  );
}
