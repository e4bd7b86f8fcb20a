/** @file IEEE binary16, which Node 20 has no array for. */

/** Halves as bits, two bytes each: rounded to nearest even; below 2^-14 there is only 0. */
export function toHalves(floats: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  return Uint16Array.from(floats, (value) => {
    float[0] = value;
    const sign = (bits[0]! >>> 16) & 0x8000;
    const magnitude = bits[0]! & 0x7fffffff;
    if (magnitude < 0x38800000) return sign;
    const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
    return sign | Math.min((rounded - 0x38000000) >>> 13, 0x7c00);
  });
}

/** The floats that halves stand for. Normal numbers and zeros only. */
export function fromHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(halves, (half) => {
    const exponent = (half >>> 10) & 31;
    if (exponent === 0) return 0;
    const value = (1 + (half & 0x3ff) / 1024) * 2 ** (exponent - 15);
    return half & 0x8000 ? -value : value;
  });
}
