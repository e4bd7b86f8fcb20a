import { InputError, type Matrix } from "../index.ts";
import type { OperandRun } from "./multiply-run.ts";
import { readNpyFile } from "./npy-file.ts";
import { formatBytes } from "./units.ts";

/** One operand, and what is reported of it. */
export interface Operand {
  readonly matrix: Matrix;
  readonly run: OperandRun;
}

/**
 * Reads one operand.
 *
 * @throws {InputError} when the file holds no matrix, or NaN or ±Inf that were not allowed.
 */
export async function readOperand(
  file: string,
  options: { readonly allowNonFinite: boolean; readonly signal: AbortSignal },
): Promise<Operand> {
  const { matrix, dtype, notes } = await readNpyFile(file, { signal: options.signal });
  if (notes.firstNonFinite && !options.allowNonFinite) {
    const { row, col, value } = notes.firstNonFinite;
    throw new InputError(
      `${file}: row ${row}, column ${col}: expected a finite value, found ${value} ` +
        `(--allow-non-finite lets it through)`,
    );
  }
  const { rows, cols } = matrix;
  return { matrix, run: { file, rows, cols, dtype, notes } };
}

/**
 * Checks, before anything is computed, that A·B exists and fits into memory.
 *
 * @param availableBytes of memory that this machine has left.
 * @throws {InputError} unless A's columns are as many as B's rows, and C and the products that it is
 *   made of, which are at least as large together, fit.
 */
export function requireMultiplicable(
  a: OperandRun,
  b: OperandRun,
  availableBytes: number = process.availableMemory(),
): void {
  if (a.cols !== b.rows) {
    throw new InputError(
      `the columns of ${a.file} must be as many as the rows of ${b.file}, ` +
        `got ${a.rows}×${a.cols} times ${b.rows}×${b.cols}`,
    );
  }
  const neededBytes = 2 * a.rows * b.cols * Float32Array.BYTES_PER_ELEMENT;
  if (neededBytes > availableBytes) {
    throw new InputError(
      `C must fit into memory with the products that it is made of: ${a.rows}×${b.cols} needs ` +
        `${formatBytes(neededBytes)}, this machine has ${formatBytes(availableBytes)} free`,
    );
  }
}
