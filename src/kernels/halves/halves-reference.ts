import type { Matrix } from "../../core/matrix.ts";
import { halfOf } from "./halves.ts";

/** What `prepareSplit` leaves in its two buffers for one matrix. */
export interface SplitHalves {
  /** Octets of a row: its columns, in eights, rounded up. */
  readonly octets: number;
  /** Sixteen halves an octet, eight high ones and their low ones. */
  readonly halves: Uint16Array<ArrayBuffer>;
  /** The bits of the largest |element| of every line. */
  readonly maxima: Uint32Array<ArrayBuffer>;
}

/**
 * Splits a matrix into pairs of halves on the CPU, bit for bit as `prepareSplit` does: with e the exponent
 * of the largest |element| of the line, x·2^(14-e) ≈ high + low/2^11, no half subnormal, all pairs of a
 * line 0 that holds NaN or ±Inf.
 */
export function splitReference(matrix: Matrix, by: "rows" | "columns"): SplitHalves {
  const { rows, cols, rowStride, data } = matrix;
  const octets = Math.ceil(cols / 8);
  const halves = new Uint16Array(rows * octets * 16);
  const maxima = lineMaxima(matrix, by);
  const scales = Array.from(maxima, (bits) => 2 ** (14 - exponentOf(floatOf(bits))));
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const line = by === "rows" ? row : col;
      if (maxima[line]! >= 0x7f800000) continue;
      const scaled = data[row * rowStride + col]! * scales[line]!;
      const high = normalHalf(scaled);
      const at = (row * octets + Math.floor(col / 8)) * 16 + (col % 8);
      halves[at] = high.bits;
      halves[at + 8] = normalHalf((scaled - high.value) * 2 ** 11).bits;
    }
  }
  return { octets, halves, maxima };
}

function lineMaxima({ rows, cols, rowStride, data }: Matrix, by: "rows" | "columns") {
  const bits = new Uint32Array(data.buffer, data.byteOffset, data.length);
  const maxima = new Uint32Array(by === "rows" ? rows : cols);
  for (let row = 0; row < rows; row++) {
    for (let col = 0; col < cols; col++) {
      const line = by === "rows" ? row : col;
      maxima[line] = Math.max(maxima[line]!, bits[row * rowStride + col]! & 0x7fffffff);
    }
  }
  return maxima;
}

/** The nearest half, or +0 where that would be subnormal. */
function normalHalf(value: number): { readonly bits: number; readonly value: number } {
  if (Math.abs(value) < 2 ** -14) return { bits: 0, value: 0 };
  const bits = halfOf(bitsOf(value));
  const size = 2 ** (((bits >>> 10) & 0x1f) - 25) * (1024 + (bits & 0x3ff));
  return { bits, value: Math.sign(value) * size };
}

/** The exponent e of a positive number, 2^e ≤ x < 2^(e+1); that of 0 is taken for 0. */
function exponentOf(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return 0;
  const estimate = Math.floor(Math.log2(value));
  // log2 may round up to the next integer.
  return 2 ** estimate > value ? estimate - 1 : estimate;
}

function bitsOf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0]!;
}

function floatOf(bits: number): number {
  return new Float32Array(Uint32Array.of(bits).buffer)[0]!;
}
