import { InputError } from "../index.ts";
import { DTYPE_BYTES, type NpyDtype, type NpyHeader } from "./npy-header.ts";

/** What became of the elements on their way to float32. Updated chunk by chunk. */
export interface ElementNotes {
  /** How many finite values float32 cannot hold exactly. */
  rounded: number;
  /** The largest |float32(x) − x| / |x| among them; 0 when there are none. */
  largestRelativeChange: number;
  /** The first NaN or ±Inf, in the order of the file. */
  firstNonFinite: { row: number; col: number; value: number } | undefined;
}

/** One piece of a file's elements. */
export interface ElementChunk {
  /** Whole elements, at an address that the element type can be viewed at. May be overwritten. */
  readonly bytes: Uint8Array;
  /** Which element of the file comes first, counting in the order of the file. */
  readonly first: number;
}

/**
 * Writes a chunk's elements as float32 to their places in `target` (rows·cols, row-major), and
 * keeps `notes`.
 *
 * @throws {InputError} when a finite element is beyond float32's range, naming `file` and the element.
 */
export function decodeElements(
  file: string,
  header: NpyHeader,
  chunk: ElementChunk,
  target: Float32Array,
  notes: ElementNotes,
): void {
  const { dtype, fortranOrder, rows, cols } = header;
  if (header.swapped) swapBytes(chunk.bytes, DTYPE_BYTES[dtype]);
  const values = viewAs(dtype, chunk.bytes);
  // In the file, lines of `length` elements follow each other: rows, or columns in Fortran order.
  // Element i of line l belongs at l·lineStep + i·step.
  const length = fortranOrder ? rows : cols;
  const lineStep = fortranOrder ? 1 : cols;
  const step = fortranOrder ? cols : 1;
  let line = Math.floor(chunk.first / length);
  let i = chunk.first % length;
  let at = line * lineStep + i * step;

  for (let v = 0; v < values.length; v++) {
    const value = values[v]!;
    const single = Math.fround(value);
    target[at] = single;
    // True for NaN and ±Inf too; both are rare, so the common path is this one comparison.
    if (single !== value || single - single !== 0) {
      const [row, col] = fortranOrder ? [i, line] : [line, i];
      noteElement(file, { row, col, value, single }, notes);
    }
    at += step;
    if (++i === length) {
      i = 0;
      at = ++line * lineStep;
    }
  }
}

function noteElement(
  file: string,
  element: {
    readonly row: number;
    readonly col: number;
    readonly value: number;
    readonly single: number;
  },
  notes: ElementNotes,
): void {
  const { row, col, value, single } = element;
  if (!Number.isFinite(value)) {
    notes.firstNonFinite ??= { row, col, value };
    return;
  }
  if (!Number.isFinite(single)) {
    throw new InputError(
      `${file}: row ${row}, column ${col}: expected a value that float32 can hold ` +
        `(up to 3.4028235e38), found ${value}`,
    );
  }
  notes.rounded++;
  const change = Math.abs(single - value) / Math.abs(value);
  notes.largestRelativeChange = Math.max(notes.largestRelativeChange, change);
}

function viewAs(
  dtype: NpyDtype,
  { buffer, byteOffset, byteLength }: Uint8Array,
): ArrayLike<number> {
  const length = byteLength / DTYPE_BYTES[dtype];
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer, byteOffset, length);
    case "float64":
      return new Float64Array(buffer, byteOffset, length);
    case "int32":
      return new Int32Array(buffer, byteOffset, length);
    case "uint8":
      return new Uint8Array(buffer, byteOffset, length);
  }
}

/** Reverses the bytes of every element, in place. `elementBytes` is 4 or 8. */
export function swapBytes(
  { buffer, byteOffset, byteLength }: Uint8Array,
  elementBytes: number,
): void {
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  if (elementBytes === 8) bytes.swap64();
  else bytes.swap32();
}
