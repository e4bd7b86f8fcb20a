import type { Matrix } from "../core/matrix.ts";
import type { Random } from "../core/random.ts";
import type { Clock } from "./clock.ts";

const PROBES = 2;
/** Yield to other work about this often, in multiply-adds. */
const SLICE = 2 ** 24;

/**
 * Measures ‖Ĉ − A·B‖_F without computing A·B: for r of independent entries of mean 0 and
 * variance 1, E‖(Ĉ − AB)r‖² is its square. They are uniform: with random signs, equal errors in a row
 * would cancel exactly now and then.
 * Two probes, summed in float64; costs about four reads of each matrix.
 *
 * @returns the estimate of ‖Ĉ − A·B‖_F, not normalised. NaN when Ĉ or an operand holds NaN.
 * @throws `signal.reason` when `signal` aborts in between.
 */
export async function measureResidual(options: {
  readonly a: Matrix;
  readonly b: Matrix;
  readonly c: Matrix;
  readonly random: Random;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): Promise<number> {
  const { a, b, c, random, clock, signal } = options;
  let work = 0;
  const breathe = async () => {
    work = 0;
    await clock.sleep(0, signal);
  };

  let square = 0;
  for (let probe = 0; probe < PROBES; probe++) {
    const r = Float64Array.from({ length: c.cols }, () => Math.sqrt(3) * (2 * random() - 1));
    const br = new Float64Array(b.rows);
    for (let row = 0; row < b.rows; row++) {
      br[row] = dotRow(b, row, r);
      work += b.cols;
      if (work >= SLICE) await breathe();
    }
    for (let row = 0; row < c.rows; row++) {
      square += (dotRow(c, row, r) - dotRow(a, row, br)) ** 2;
      work += a.cols + c.cols;
      if (work >= SLICE) await breathe();
    }
  }
  return Math.sqrt(square / PROBES);
}

function dotRow({ data, rowStride, cols }: Matrix, row: number, vector: Float64Array): number {
  const start = row * rowStride;
  let sum = 0;
  for (let j = 0; j < cols; j++) sum += data[start + j]! * vector[j]!;
  return sum;
}
