/** The bits of the half (IEEE binary16) nearest to `value`, ties to even; independent of the product's own. */
export function halfOf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size < 2 ** -14) return sign | roundToEven(size * 2 ** 24);
  const exponent = Math.min(16, Math.floor(Math.log2(size)));
  const fraction = roundToEven((size / 2 ** exponent - 1) * 1024);
  const bits = ((exponent + 15) << 10) + fraction; // a fraction of 1024 carries into the exponent
  return sign | Math.min(bits, 0x7c00);
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
