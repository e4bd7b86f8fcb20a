import { type Matrix, rowRange } from "../core/matrix.ts";
import { combineReference } from "../kernels/combine/combine-reference.ts";
import type { TableBackend } from "../runtime/backend.ts";
import type { Clock } from "../runtime/clock.ts";

/** Multiply-adds between two looks at the signal and at whatever else waits: some 20 ms. */
const SLICE = 2 ** 24;

/**
 * Applies tables on the calling thread, in float64 with one rounding at the end, in slices of rows so
 * that arrivals and aborts are seen in between.
 */
export function createCpuBackend(clock: Clock): TableBackend {
  return {
    kind: "cpu",
    rowsTogether: 1,
    async load(inputs, block) {
      return {
        async combine(table, outputs, { signal }) {
          const perRow = Math.max(1, table.rows * table.cols * block.cols);
          const rows = Math.max(1, Math.floor(SLICE / perRow));
          for (let row = 0; row < block.rows; row += rows) {
            signal.throwIfAborted();
            await clock.sleep(0, signal);
            const slice = (whole: Matrix) => rowRange(whole, row, rows);
            combineReference(table, inputs.map(slice), outputs.map(slice));
          }
        },
        async [Symbol.asyncDispose]() {},
      };
    },
  };
}
