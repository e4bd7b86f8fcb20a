import { InputError, type Matrix, matrix } from "../index.ts";
import { decodeElements, type ElementNotes } from "./npy-elements.ts";
import { npyError } from "./npy-error.ts";
import {
  checkNpySize,
  DTYPE_BYTES,
  type NpyDtype,
  type NpyHeader,
  npyHeaderEnd,
  PREAMBLE_BYTES,
  parseNpyHeader,
} from "./npy-header.ts";
import { formatBytes } from "./units.ts";

/** Bytes that can be read at any position: an open file, or memory. */
export interface ByteSource {
  readonly sizeBytes: number;
  /** Reads into `target` from `position` on. Resolves to the bytes read: 0 only at the end. */
  read(target: Uint8Array, position: number): Promise<number>;
}

/** A matrix from a .npy file. */
export interface NpyMatrix {
  readonly matrix: Matrix;
  /** The type that the file holds. */
  readonly dtype: NpyDtype;
  /** What converting it to float32 did. */
  readonly notes: Readonly<ElementNotes>;
}

/** How a .npy file is read. */
export interface ReadNpyOptions {
  readonly signal?: AbortSignal;
  /** Memory that may be used. Default: what the system says this process can still get. */
  readonly availableBytes?: number;
}

/** Large enough to make calls cheap, small enough to stay in cache. A multiple of every element. */
const CHUNK_BYTES = 2 ** 20;

/**
 * Reads a .npy file of two dimensions as a float32 matrix, whatever its byte order and whether its
 * rows or its columns are contiguous. `file` is the name for messages.
 *
 * Beyond the matrix itself it holds one chunk, so a file may be as large as memory.
 *
 * @throws {InputError} when the file is damaged, of another kind, or larger than memory.
 * @throws `signal.reason` when aborted.
 */
export async function readNpy(
  file: string,
  source: ByteSource,
  options: ReadNpyOptions = {},
): Promise<NpyMatrix> {
  const header = await readHeader(file, source);
  checkNpySize(file, header, source.sizeBytes);
  const target = allocate(file, header, options.availableBytes ?? process.availableMemory());

  const notes: ElementNotes = { rounded: 0, largestRelativeChange: 0, firstNonFinite: undefined };
  const elementBytes = DTYPE_BYTES[header.dtype];
  const dataBytes = target.length * elementBytes;
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, dataBytes));
  for (let offset = 0; offset < dataBytes; offset += chunk.length) {
    options.signal?.throwIfAborted();
    const bytes = chunk.subarray(0, Math.min(chunk.length, dataBytes - offset));
    await readFully(file, source, bytes, header.dataOffset + offset);
    decodeElements(file, header, { bytes, first: offset / elementBytes }, target, notes);
  }
  return { matrix: matrix(header.rows, header.cols, target), dtype: header.dtype, notes };
}

async function readHeader(file: string, source: ByteSource): Promise<NpyHeader> {
  const preamble = new Uint8Array(Math.min(PREAMBLE_BYTES, source.sizeBytes));
  await readFully(file, source, preamble, 0);
  const end = npyHeaderEnd(file, preamble);
  if (end > source.sizeBytes) {
    const expected = `a header up to byte ${end}`;
    throw npyError(file, { at: source.sizeBytes, expected, found: "the end of the file" });
  }
  const bytes = new Uint8Array(end);
  await readFully(file, source, bytes, 0);
  return parseNpyHeader(file, bytes);
}

/** Fills `target`, however little one read returns. */
async function readFully(
  file: string,
  source: ByteSource,
  target: Uint8Array,
  position: number,
): Promise<void> {
  for (let filled = 0; filled < target.length; ) {
    const read = await source.read(target.subarray(filled), position + filled);
    if (read === 0) {
      // The size was checked before: someone is writing to the file.
      const at = position + filled;
      throw npyError(file, { at, expected: `${source.sizeBytes} bytes`, found: "the end" });
    }
    filled += read;
  }
}

function allocate(file: string, { rows, cols }: NpyHeader, availableBytes: number): Float32Array {
  const bytes = rows * cols * Float32Array.BYTES_PER_ELEMENT;
  const needs = `${file}: needs ${formatBytes(bytes)} for ${rows}×${cols} float32`;
  if (bytes > availableBytes) {
    throw new InputError(`${needs}, this machine has ${formatBytes(availableBytes)} free`);
  }
  try {
    return new Float32Array(rows * cols);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new InputError(`${needs}, more than one array can hold here`, { cause });
  }
}
