/** @file Axes as functions from a quantity to pixels, with the ticks to label. */

export interface Scale {
  at(value: number): number;
  readonly ticks: readonly number[];
}

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** A logarithmic axis over positive values, from and to 1, 2 or 5 times a power of ten. */
export function logScale(values: readonly number[], pixels: Range): Scale {
  const positive = values.filter((value) => value > 0 && Number.isFinite(value));
  const least = Math.min(...positive);
  const most = Math.max(...positive);
  const steps = [...niceSteps(least, most)];
  const first = steps.findLast((step) => step <= least) ?? steps[0]!;
  const last = steps.find((step) => step >= most) ?? steps.at(-1)!;
  const top = last > first ? last : first * 10;
  const length = Math.log(top / first);
  const decades = Math.log10(top / first);
  const ticks = steps.filter(
    (step) => step >= first && step <= top && (decades <= 3 || Number.isInteger(Math.log10(step))),
  );
  return {
    at: (value) => pixels.from + ((pixels.to - pixels.from) * Math.log(value / first)) / length,
    ticks,
  };
}

/** An axis from 0 with about five ticks. */
export function linearScale(most: number, pixels: Range): Scale {
  const top = most > 0 ? most : 1;
  const raw = top / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= raw)!;
  const ticks = Array.from({ length: Math.floor(top / step + 1e-9) + 1 }, (_, i) => i * step);
  return { at: (value) => pixels.from + ((pixels.to - pixels.from) * value) / top, ticks };
}

function* niceSteps(least: number, most: number): Generator<number> {
  const begin = Math.floor(Math.log10(least));
  const end = Math.ceil(Math.log10(most)) + 1;
  // Written out, as 10 ** -3 is not 0.001.
  for (let power = begin; power <= end; power++) {
    for (const factor of [1, 2, 5]) yield Number(`${factor}e${power}`);
  }
}
