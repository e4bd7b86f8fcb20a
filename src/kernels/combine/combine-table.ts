/** @file Coefficient tables as the shaders of `combine` read them. */

import type { BlockCombination } from "../../core/code.ts";
import { InputError, ShapeError } from "../../core/errors.ts";
import { requireCount } from "../tiling.ts";

/**
 * Which shader applies a table.
 * - "few": up to 16 inputs, held in registers while output after output is made, up to 64 ÷ inputs.
 * - "many": any number of inputs, one after the other, up to 32 sums in registers.
 * - "horner": the same for a Vandermonde table, by Horner's rule.
 */
export type CombineKernel = "few" | "many" | "horner";

/** Inputs that `combine_few.wgsl` holds at once, and outputs of one invocation of any kernel. */
export const FEW_INPUTS = 16;
export const MAX_OUTPUTS = 32;
/**
 * Coefficients that `combine_few.wgsl` is compiled for at most. Compilers take more than proportionally
 * longer: 0.2 s for 48 and 8 s for 512 on SwiftShader, 0.4 s and 7 s on lavapipe (2 cores).
 */
const FEW_PRODUCTS = 64;

/** How many outputs "few" makes at once of so many inputs. */
export function fewOutputs(inputs: number): number {
  return Math.min(MAX_OUTPUTS, Math.floor(FEW_PRODUCTS / inputs));
}

/** The part of a table that one dispatch applies. */
export interface TablePanel {
  /** Rows and columns of the table, in ascending order. */
  readonly outputs: readonly number[];
  readonly inputs: readonly number[];
  /** Where the panel begins in the buffer of coefficients, and how long it is. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/**
 * Checks a coefficient table that came from a caller.
 *
 * @throws {ShapeError} when it is empty or has another number of weights than rows·cols.
 * @throws {InputError} when a weight is not finite once rounded to float32.
 */
export function requireTable({ rows, cols, weights }: BlockCombination): void {
  requireCount("table.rows", rows);
  requireCount("table.cols", cols);
  if (weights.length !== rows * cols) {
    throw new ShapeError(
      `table.weights must have rows·cols = ${rows}·${cols} = ${rows * cols} entries, ` +
        `got ${weights.length}`,
    );
  }
  const wrong = weights.findIndex((weight) => !Number.isFinite(Math.fround(weight)));
  if (wrong >= 0) {
    throw new InputError(
      `table.weights must be finite in float32, got ${weights[wrong]} ` +
        `at row ${Math.floor(wrong / cols)}, column ${wrong % cols}`,
    );
  }
}

/** Output by output, room for `FEW_INPUTS` coefficients each: `weights` of combine_few.wgsl. */
export function packRows(table: BlockCombination, panel: TablePanel, packed: Float32Array): void {
  for (const [r, row] of panel.outputs.entries()) {
    for (const [c, col] of panel.inputs.entries()) {
      packed[r * FEW_INPUTS + c] = table.weights[row * table.cols + col]!;
    }
  }
}

/** Input by input, the coefficients of all outputs in whole vectors: `weights` of combine.wgsl. */
export function packColumns(
  table: BlockCombination,
  panel: TablePanel,
  packed: Float32Array,
): void {
  const stride = columnLength(panel.outputs.length);
  for (const [c, col] of panel.inputs.entries()) {
    for (const [r, row] of panel.outputs.entries()) {
      packed[c * stride + r] = table.weights[row * table.cols + col]!;
    }
  }
}

/** Floats that the coefficients of one input take for so many outputs. */
export function columnLength(outputs: number): number {
  return 4 * Math.ceil(outputs / 4);
}
