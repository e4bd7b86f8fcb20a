import { expect, test } from "vitest";
import { table } from "../../src/core/table.ts";
import { createCpuBackend } from "../../src/engine/cpu-backend.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { randomMatrix } from "../support/matrices.ts";

const { signal } = new AbortController();

test("the CPU applies a table slice by slice, and every row of every output is written", async () => {
  const [rows, cols] = [7, 2 ** 17]; // with 8 inputs and 6 outputs, two rows a slice
  const inputs = Array.from({ length: 8 }, (_, c) =>
    randomMatrix(c === 7 ? rows - 2 : rows, cols, c),
  );
  const outputs = Array.from({ length: 6 }, () => ({
    ...{ rows, cols, rowStride: cols },
    data: new Float32Array(rows * cols).fill(Number.NaN),
  }));
  const weights = table(6, 8, (r, c) => Math.sin(1 + 3 * r + 7 * c));
  await using loaded = await createCpuBackend(systemClock).load(inputs, { rows, cols }, { signal });
  await loaded.combine(weights, outputs, { signal });
  for (const [r, output] of outputs.entries()) {
    for (const at of [0, cols - 1, 2 * cols, 3 * cols + 5, 6 * cols, 7 * cols - 1]) {
      const exact = inputs.reduce(
        (sum, input, c) => sum + weights.weights[r * 8 + c]! * (input.data[at] ?? 0),
        0,
      );
      expect(output.data[at]).toBe(Math.fround(exact));
    }
    expect(output.data.some(Number.isNaN)).toBe(false);
  }
});

test("the CPU stops between slices when nobody wants the result", async () => {
  const shape = { rows: 64, cols: 2 ** 16 };
  const inputs = Array.from({ length: 4 }, (_, c) => randomMatrix(shape.rows, shape.cols, c));
  const output = {
    ...shape,
    rowStride: shape.cols,
    data: new Float32Array(shape.rows * shape.cols),
  };
  const abort = new AbortController();
  await using loaded = await createCpuBackend(systemClock).load(inputs, shape, { signal });
  const combined = loaded.combine(
    table(1, 4, () => 1),
    [output],
    { signal: abort.signal },
  );
  abort.abort("enough");
  await expect(combined).rejects.toBe("enough");
});
