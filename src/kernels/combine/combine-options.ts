/** @file What the options of combinations and reductions may be, by type. Whether they fit is for the planners. */

import { z } from "zod";
import { MAX_OUTPUTS } from "./combine-table.ts";

const anObject = "must be an object";
const integerRule = "must be an integer";
const offsetRule = "must be an integer of at least 0";
const strideRule = "must be a positive integer";
const outputsRule = `must be an integer from 1 to ${MAX_OUTPUTS}`;
const onOff = "must be true or false";

/** A count or a stride that a planner compares with others, and refuses with a `ShapeError`. */
export const integer = z.number(integerRule).int(integerRule);
/** `blockStrideElements`, which matrices leave unused. */
export const blockStride = z.number(strideRule).int(strideRule).min(1, strideRule);

/** Elements before the first of each of the named buffers. */
export function offsetsOf(...buffers: readonly string[]): z.ZodType {
  const offset = z.number(offsetRule).int(offsetRule).min(0, offsetRule).optional();
  return z.strictObject(Object.fromEntries(buffers.map((name) => [name, offset])), anObject);
}

/** A `MatrixGrid`. */
export const gridSchema = z.strictObject(
  { rows: integer, cols: integer, rowStride: integer.optional(), gridCols: integer },
  anObject,
);

/** `CombineOptions`. */
export const combineOptionsSchema = z.strictObject(
  {
    blockStrideElements: blockStride.optional(),
    offsets: offsetsOf("inputs", "outputs").optional(),
    inputs: gridSchema.optional(),
    outputs: gridSchema.optional(),
    maxOutputsPerPass: z
      .number(outputsRule)
      .int(outputsRule)
      .min(1, outputsRule)
      .max(MAX_OUTPUTS, outputsRule)
      .optional(),
    kernel: z.enum(["few", "many", "horner"], 'must be "few", "many" or "horner"').optional(),
    horner: z.boolean(onOff).optional(),
  },
  anObject,
);
