import { expect, test } from "vitest";

import { cut } from "../../src/core/blocks.ts";
import { gamma } from "../../src/core/float32.ts";
import { frobenius, type Matrix, zeros } from "../../src/core/matrix.ts";
import { seededRandom } from "../../src/core/random.ts";
import { table } from "../../src/core/table.ts";
import { createGpuBackend } from "../../src/engine/gpu-backend.ts";
import { combineReference } from "../../src/kernels/combine/combine-reference.ts";
import type { TableBackend } from "../../src/runtime/backend.ts";
import { GpuLease } from "../../src/workers/gpu-lease.ts";
import { describeGpu } from "../support/gpu.ts";
import { randomMatrix, withRowStride } from "../support/matrices.ts";

/** Must not be asked: the device can do all of this. */
const fallback: TableBackend = {
  kind: "none",
  rowsTogether: 1,
  load: () => Promise.reject(new Error("the device has refused")),
};
const { signal } = new AbortController();

describeGpu("gpu backend", (device) => {
  test.each([
    { rows: 24, cols: 32, gap: 0, grid: { gridRows: 2, gridCols: 2 } },
    { rows: 23, cols: 31, gap: 2, grid: { gridRows: 3, gridCols: 4 } },
    { rows: 5, cols: 9, gap: 0, grid: { gridRows: 4, gridCols: 1 } }, // the last block is padding
  ])("encodes an operand and decodes C where they lie: %j", async ({ rows, cols, gap, grid }) => {
    const lease = new GpuLease({ device });
    using backend = createGpuBackend({ lease, fallback });
    const block = {
      rows: Math.ceil(rows / grid.gridRows),
      cols: Math.ceil(cols / grid.gridCols),
    };
    const operand = withRowStride(randomMatrix(rows, cols, "operand"), cols + gap);
    const inputs = cut(operand, { ...grid, block });
    const coded = Array.from({ length: 5 }, () => zeros(block.rows, block.cols));
    await apply(backend, inputs, coded, block);

    const c = zeros(rows, cols);
    await apply(backend, coded, cut(c, { ...grid, block }), block);
  });
});

/** Combines by a random table, and checks every output against the reference. */
async function apply(
  backend: TableBackend,
  inputs: readonly Matrix[],
  outputs: readonly Matrix[],
  block: { readonly rows: number; readonly cols: number },
): Promise<void> {
  const random = seededRandom("weights", inputs.length, outputs.length);
  const weights = table(outputs.length, inputs.length, () => 2 * random() - 1);
  await using loaded = await backend.load(inputs, block, { signal });
  await loaded.combine(weights, outputs, { signal });
  const expected = outputs.map(({ rows, cols }) => zeros(rows, cols));
  combineReference(weights, inputs, expected);
  // Weights are at most 1, so no element is farther off than γ times the sum of all magnitudes.
  const scale = inputs.reduce((sum, input) => sum + frobenius(input), 0);
  for (const [r, output] of outputs.entries()) {
    for (let row = 0; row < output.rows; row++) {
      for (let col = 0; col < output.cols; col++) {
        const actual = output.data[row * output.rowStride + col]!;
        const wanted = expected[r]!.data[row * output.cols + col]!;
        expect(Math.abs(actual - wanted)).toBeLessThanOrEqual(gamma(inputs.length + 2) * scale);
      }
    }
  }
}
