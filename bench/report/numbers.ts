/** @file How figures are written. */

/** Three significant digits. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  if (Math.abs(value) < 0.001) return value.toExponential(1);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 3));
}

/** For axes: as few digits as there are. */
export function tick(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** "1.23 s", "12.3 ms", "45 µs". */
export function seconds(value: number): string {
  if (value === 0) return "0 s";
  if (value >= 1) return `${number(value)} s`;
  if (value >= 1e-3) return `${number(value * 1e3)} ms`;
  return `${number(value * 1e6)} µs`;
}

/** "4.2 %". */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
