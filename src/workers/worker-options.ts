import { z } from "zod";

const idRule = "must be a string of at least one character";

/** The schema of a worker's options: its id, and what else its kind takes. */
export function workerOptionsSchema<T extends z.core.$ZodShape>(more: T) {
  const id = z.string(idRule).min(1, idRule);
  return z.strictObject({ id, ...more }, "must be an object");
}
