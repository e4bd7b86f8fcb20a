import { DeviceLimitError, InputError, ShapeError } from "./errors.ts";

/**
 * Dense row-major float32 matrix: element (i, j) is `data[i · rowStride + j]`.
 *
 * A matrix is a view: several may share one `data`, and nobody but the owner of `data` writes
 * to it. `rowStride` counts elements and is at least `cols`.
 */
export interface Matrix {
  readonly rows: number;
  readonly cols: number;
  readonly rowStride: number;
  readonly data: Float32Array;
}

/**
 * Wraps `data` (rows·cols elements, row-major, not copied) as a matrix.
 *
 * @throws {ShapeError} when a dimension is no positive integer or `data` has another length.
 */
export function matrix(rows: number, cols: number, data: Float32Array): Matrix {
  requireDimension("rows", rows);
  requireDimension("cols", cols);
  if (!(data instanceof Float32Array)) {
    throw new ShapeError(`data must be a Float32Array, got ${typeName(data)}`);
  }
  if (data.length !== rows * cols) {
    throw new ShapeError(
      `data must have rows·cols = ${rows}·${cols} = ${rows * cols} elements, got ${data.length}`,
    );
  }
  return { rows, cols, rowStride: cols, data };
}

/**
 * A new matrix of zeros. Unlike `matrix`, it may be empty.
 *
 * @throws {DeviceLimitError} when this machine cannot hold it.
 */
export function zeros(rows: number, cols: number): Matrix {
  try {
    return { rows, cols, rowStride: cols, data: new Float32Array(rows * cols) };
  } catch (cause) {
    const gib = ((rows * cols * Float32Array.BYTES_PER_ELEMENT) / 2 ** 30).toPrecision(3);
    throw new DeviceLimitError(
      `a matrix of ${rows}×${cols} needs ${gib} GiB, more than one array of this machine can hold`,
      { cause },
    );
  }
}

/**
 * Checks a matrix that came from a caller. `name` is what the caller calls it.
 *
 * @throws {ShapeError} when it is empty or reaches outside its data.
 */
export function requireMatrix(name: string, value: Matrix): void {
  if (typeof value !== "object" || value === null) {
    throw new ShapeError(`${name} must be a matrix, got ${typeName(value)}`);
  }
  const { rows, cols, rowStride, data } = value;
  requireDimension(`${name}.rows`, rows);
  requireDimension(`${name}.cols`, cols);
  if (!Number.isSafeInteger(rowStride) || rowStride < cols) {
    throw new ShapeError(
      `${name}.rowStride must be an integer of at least ${name}.cols = ${cols}, got ${rowStride}`,
    );
  }
  if (!(data instanceof Float32Array)) {
    throw new ShapeError(`${name}.data must be a Float32Array, got ${typeName(data)}`);
  }
  const needed = (rows - 1) * rowStride + cols;
  if (data.length < needed) {
    throw new ShapeError(
      `${name}.data must hold ${needed} elements for ${rows}×${cols} at rowStride ${rowStride}, ` +
        `got ${data.length}`,
    );
  }
}

/** @throws {InputError} when `value` holds NaN or ±Inf, naming the first such element. */
export function requireFinite(name: string, value: Matrix): void {
  const found = firstNonFinite(value);
  if (found) {
    throw new InputError(
      `${name} must be finite, got ${found.value} at row ${found.row}, column ${found.col}`,
    );
  }
}

/** The first element that is NaN or ±Inf, or undefined when all are finite. */
export function firstNonFinite(
  value: Matrix,
): { readonly row: number; readonly col: number; readonly value: number } | undefined {
  const { rows, cols, rowStride, data } = value;
  for (let row = 0; row < rows; row++) {
    const start = row * rowStride;
    // x - x is 0 for finite x and NaN otherwise, so one sum tells for the whole row.
    let witness = 0;
    for (let at = start; at < start + cols; at++) witness += data[at]! - data[at]!;
    if (witness === 0) continue;
    for (let col = 0; col < cols; col++) {
      const element = data[start + col]!;
      if (!Number.isFinite(element)) return { row, col, value: element };
    }
  }
  return undefined;
}

/** True when rows follow each other without a gap, so `data` begins with exactly rows·cols elements. */
export function isContiguous({ rows, cols, rowStride }: Matrix): boolean {
  return rowStride === cols || rows <= 1;
}

/**
 * The elements as one contiguous row-major array of exactly rows·cols. A view of `data` where that
 * is possible, a copy otherwise: do not write to it.
 */
export function contiguousData(value: Matrix): Float32Array {
  const { rows, cols, rowStride, data } = value;
  if (isContiguous(value)) return data.subarray(0, rows * cols);
  const packed = new Float32Array(rows * cols);
  for (let row = 0; row < rows; row++) {
    packed.set(data.subarray(row * rowStride, row * rowStride + cols), row * cols);
  }
  return packed;
}

/** A view of the `rows`×`cols` part whose top left element is (row, col). Nothing is copied. */
export function viewOf(
  source: Matrix,
  part: {
    readonly row: number;
    readonly col: number;
    readonly rows: number;
    readonly cols: number;
  },
): Matrix {
  const { row, col, rows, cols } = part;
  const { rowStride } = source;
  if (rows === 0 || cols === 0) return { rows, cols, rowStride, data: source.data.subarray(0, 0) };
  const start = row * rowStride + col;
  const end = start + (rows - 1) * rowStride + cols;
  return { rows, cols, rowStride, data: source.data.subarray(start, end) };
}

/** A view of those of rows first … first+count-1 that `source` has; possibly none. */
export function rowRange(source: Matrix, first: number, count: number): Matrix {
  const row = Math.min(first, source.rows);
  const rows = Math.min(count, source.rows - row);
  return viewOf(source, { row, col: 0, rows, cols: source.cols });
}

/** Frobenius norm, summed in float64. */
export function frobenius({ rows, cols, rowStride, data }: Matrix): number {
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const end = row * rowStride + cols;
    for (let at = row * rowStride; at < end; at++) sum += data[at]! * data[at]!;
  }
  return Math.sqrt(sum);
}

function requireDimension(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new ShapeError(`${name} must be a positive integer, got ${String(value)}`);
  }
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" ? (value.constructor?.name ?? "object") : typeof value;
}
