import { describe, expect, test } from "vitest";

import { InputError } from "../../src/core/errors.ts";
import { table } from "../../src/core/table.ts";
import { planCombine } from "../../src/kernels/combine/combine-plan.ts";
import { planFrobenius } from "../../src/kernels/reductions/frobenius-plan.ts";
import { planProjection } from "../../src/kernels/reductions/projection-plan.ts";
import { limitsWith } from "../support/limits.ts";

const device = limitsWith();
const shape = { rows: 3, cols: 3 };
const grid = { rows: 6, cols: 3, gridCols: 1 };
const planners = {
  combine: (options: unknown) =>
    planCombine(
      table(2, 2, () => 1),
      shape,
      device,
      options as object,
    ),
  frobenius: (options: unknown) => planFrobenius(shape, device, options as object),
  projection: (options: unknown) => planProjection(shape, device, options as object),
};

const grids = { inputs: grid, outputs: grid };
const { NaN: nan, POSITIVE_INFINITY: infinite } = Number;

describe.each([
  {
    planner: "combine" as const,
    taken: [{}, grids, { horner: true, kernel: "many" }, { offsets: {} }, { kernel: undefined }],
    refused: [
      [{ kernel: "bogus" }, 'kernel must be "few", "many" or "horner", got "bogus"'],
      [{ horner: "no" }, 'horner must be true or false, got "no"'],
      [{ maxOutputsPerPass: 1.5 }, "maxOutputsPerPass must be an integer from 1 to 32, got 1.5"],
      [{ maxOutputsPerPass: "2" }, 'maxOutputsPerPass must be an integer from 1 to 32, got "2"'],
      [{ maxOutputsPerPass: 33 }, "maxOutputsPerPass must be an integer from 1 to 32, got 33"],
      [{ ...grids, blockStrideElements: nan }, "blockStrideElements must be a positive integer"],
      [{ ...grids, blockStrideElements: -9 }, "blockStrideElements must be a positive integer"],
      [{ offsets: { input: 4 } }, /must not hold "input"/],
      [{ offsets: { inputs: -4 } }, "offsets.inputs must be an integer of at least 0, got -4"],
      [{ offsets: { outputs: "4" } }, 'offsets.outputs must be an integer of at least 0, got "4"'],
      [{ offsets: 4 }, "offsets must be an object, got 4"],
      [{ inputs: { ...grid, rows: nan } }, "inputs.rows must be an integer, got NaN"],
      [{ inputs: { ...grid, gridRows: 2 } }, /must not hold "gridRows"/],
      [{ outputs: { rows: 6, cols: 3 } }, "outputs.gridCols must be an integer, got undefined"],
      [{ outputs: { ...grid, rowStride: infinite } }, "outputs.rowStride must be an integer"],
      [{ maxOutputs: 3 }, 'options must not hold "maxOutputs": no such option'],
      [null, "options must be an object, got null"],
    ] as const,
  },
  {
    planner: "frobenius" as const,
    taken: [{}, { count: 2, grid }, { scale: 2 ** -126 }, { offsets: { input: 4, norms: 1 } }],
    refused: [
      [{ count: "2" }, 'count must be an integer, got "2"'],
      [
        { scale: 2 ** -127 },
        "scale must be a power of two from 2^-126 to 2^127, got 5.877471754111438e-39",
      ],
      [{ scale: 3 }, "scale must be a power of two from 2^-126 to 2^127, got 3"],
      [{ scale: "2" }, 'scale must be a power of two from 2^-126 to 2^127, got "2"'],
      [{ scale: infinite }, "scale must be a power of two from 2^-126 to 2^127, got Infinity"],
      [{ count: 2, grid, blockStrideElements: nan }, "blockStrideElements must be a positive"],
      [{ offsets: { inputs: 4 } }, /must not hold "inputs"/],
      [{ offsets: { norms: 0.5 } }, "offsets.norms must be an integer of at least 0, got 0.5"],
      [{ grid: [] }, "grid must be an object, got an array of 0"],
      [{ vectors: 2 }, 'options must not hold "vectors": no such option'],
    ] as const,
  },
  {
    planner: "projection" as const,
    taken: [{}, { vectors: 4, rowStride: 5 }, { offsets: { x: 4, r: 1, y: 0 } }],
    refused: [
      [{ vectors: 5 }, "vectors must be 1, 2, 3 or 4, got 5"],
      [{ vectors: "1" }, 'vectors must be 1, 2, 3 or 4, got "1"'],
      [{ rowStride: 3.5 }, "rowStride must be an integer, got 3.5"],
      [{ offsets: { input: 4 } }, /must not hold "input"/],
      [{ offsets: { r: nan } }, "offsets.r must be an integer of at least 0, got NaN"],
      [{ count: 2 }, 'options must not hold "count": no such option'],
    ] as const,
  },
])("options of $planner", ({ planner, taken, refused }) => {
  const plan = planners[planner];

  test.each(taken)("takes %j", (options) => {
    expect(() => plan(options)).not.toThrow();
  });

  test.each<readonly [unknown, string | RegExp]>(refused)("refuses %o: %s", (options, message) => {
    expect(() => plan(options)).toThrow(InputError);
    expect(() => plan(options)).toThrow(message);
  });
});
