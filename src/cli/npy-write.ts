import { endianness } from "node:os";

import type { Matrix } from "../index.ts";
import { swapBytes } from "./npy-elements.ts";
import { DTYPE_BYTES, encodeNpyHeader } from "./npy-header.ts";

/** The element types that are written. */
export type NpyOutputDtype = "float32" | "float64";

const CHUNK_BYTES = 2 ** 20;

/**
 * The bytes of a .npy file that holds `value`, in pieces: little-endian, rows contiguous, as
 * numpy.save writes it. A piece is overwritten when the next one is asked for.
 */
export function* encodeNpy(
  value: Matrix,
  dtype: NpyOutputDtype,
): Generator<Uint8Array, void, void> {
  const { rows, cols, rowStride, data } = value;
  yield encodeNpyHeader({ dtype, rows, cols });

  const capacity = Math.min(CHUNK_BYTES / DTYPE_BYTES[dtype], rows * cols);
  const chunk = dtype === "float32" ? new Float32Array(capacity) : new Float64Array(capacity);
  let filled = 0;
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; ) {
      const taken = Math.min(cols - col, capacity - filled);
      const start = row * rowStride + col;
      chunk.set(data.subarray(start, start + taken), filled);
      filled += taken;
      col += taken;
      if (filled === capacity) {
        yield littleEndian(chunk, filled);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield littleEndian(chunk, filled);
}

function littleEndian(chunk: Float32Array | Float64Array, length: number): Uint8Array {
  const bytes = new Uint8Array(chunk.buffer, 0, length * chunk.BYTES_PER_ELEMENT);
  if (endianness() === "BE") swapBytes(bytes, chunk.BYTES_PER_ELEMENT);
  return bytes;
}
