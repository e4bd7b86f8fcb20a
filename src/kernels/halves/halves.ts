/**
 * @file Halves (IEEE binary16) on the CPU: 11 bits of significand, from 2^-24 to 65504. Node 20 has
 * no Float16Array, so they are bits in a Uint16Array.
 */

/** Unit roundoff of halves: rounding to one errs by at most this fraction, above 2^-14. */
export const HALF_ROUNDOFF = 2 ** -11;

/** Smallest normal half. A device may take what is smaller for 0. */
export const SMALLEST_NORMAL_HALF = 2 ** -14;

/**
 * The halves nearest to float32 elements, ties to even: |half − x| ≤ 2^-11 |x| + 2^-25 below 65520,
 * ±Inf from there on, NaN for NaN.
 *
 * @returns bits, as many as there are elements, in an array of their own.
 */
export function toHalves(elements: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(elements.buffer, elements.byteOffset, elements.length);
  const halves = new Uint16Array(elements.length);
  for (let i = 0; i < halves.length; i++) halves[i] = halfOf(bits[i]!);
  return halves;
}

/** The values of halves, exact. NaN for every NaN. */
export function fromHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  const elements = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) elements[i] = halfValue(halves[i]!);
  return elements;
}

/** The bits of the half nearest to the float32 that has the bits `bits`. */
export function halfOf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  if (size >= 0x477ff000) return sign | 0x7c00;
  // The exponent moves by 112; of the fraction 13 bits go, and a carry makes the next exponent.
  if (size >= 0x38800000) return sign | rounded(size - 0x38000000, 13);
  const shift = 126 - (size >>> 23); // to units of 2^-24
  if (shift > 24) return sign;
  return sign | rounded((size & 0x7fffff) | 0x800000, shift);
}

/** value / 2^shift to the nearest integer, ties to even. */
function rounded(value: number, shift: number): number {
  const whole = value >>> shift;
  const rest = value & ((1 << shift) - 1);
  const middle = 1 << (shift - 1);
  return rest > middle || (rest === middle && (whole & 1) === 1) ? whole + 1 : whole;
}

function halfValue(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
