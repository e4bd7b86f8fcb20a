import type { BlockCombination } from "../../core/code.ts";
import { ShapeError } from "../../core/errors.ts";
import type { Matrix } from "../../core/matrix.ts";
import { addScaledRows } from "../reductions/row-sums.ts";

/**
 * outputs[r] = Σ_c weights[r, c] · inputs[c] on the CPU, in float64 with unrounded weights, rounded
 * to float32 once: |ŷ − y| ≤ 2^-24 |y| + (cols + 1)·2^-52 Σ|w||x| element by element.
 *
 * Blocks may have different shapes, as those that are cut off at the edge of a matrix: an input that
 * is smaller counts as zero where it ends, and of every output only what exists is computed and
 * overwritten. An input with weight 0 is not read, so NaN in it does no harm.
 *
 * @param outputs distinct blocks, none sharing memory with an input.
 * @throws {ShapeError} when the table does not have a row for every output and a column for every input.
 */
export function combineReference(
  table: BlockCombination,
  inputs: readonly Matrix[],
  outputs: readonly Matrix[],
): void {
  requireMatchingTable(table, inputs.length, outputs.length);
  const { cols, weights } = table;
  const plans = outputs.map((output, r) => {
    const row = weights.subarray(r * cols, (r + 1) * cols);
    const terms = [...row.keys()].filter((c) => row[c] !== 0);
    return { output, coefficients: row, terms, sums: new Float64Array(output.cols) };
  });
  const height = outputs.reduce((rows, output) => Math.max(rows, output.rows), 0);
  // Row by row through all outputs, so that one row of every input stays in the cache meanwhile.
  for (let row = 0; row < height; row++) {
    const rows = inputs.map((input) => rowOf(input, row));
    for (const { output, coefficients, terms, sums } of plans) {
      if (row >= output.rows) continue;
      sums.fill(0);
      addScaledRows(sums, rows, coefficients, terms);
      output.data.set(sums, row * output.rowStride);
    }
  }
}

/** Row `row` of a matrix, empty where there is none. */
function rowOf({ rows, cols, rowStride, data }: Matrix, row: number): Float32Array {
  return row < rows ? data.subarray(row * rowStride, row * rowStride + cols) : NOTHING;
}

const NOTHING = new Float32Array(0);

function requireMatchingTable(table: BlockCombination, inputs: number, outputs: number): void {
  if (table.rows !== outputs || table.cols !== inputs) {
    throw new ShapeError(
      `a table for ${outputs} outputs and ${inputs} inputs must be ${outputs}×${inputs}, ` +
        `got ${table.rows}×${table.cols}`,
    );
  }
}
