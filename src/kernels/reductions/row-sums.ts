/**
 * sums[j] += Σ_t weights[t] · rows[t][j] over the listed terms t, in float64, for every j that the
 * row has; a row shorter than `sums` counts as zero beyond its end, a longer one is cut.
 *
 * Four rows a pass, then two, then one: loading and storing a sum costs as much as a multiplication,
 * so four rows together take less than half of the time (V8 of Node 20, x64).
 */
export function addScaledRows(
  sums: Float64Array,
  rows: readonly Float32Array[],
  weights: ArrayLike<number>,
  terms: readonly number[],
): void {
  const whole = terms.filter((t) => rows[t]!.length >= sums.length);
  let at = 0;
  for (; at + 4 <= whole.length; at += 4) addFour(sums, rows, weights, whole.slice(at, at + 4));
  for (; at + 2 <= whole.length; at += 2) addTwo(sums, rows, weights, whole[at]!, whole[at + 1]!);
  for (; at < whole.length; at++) addOne(sums, rows[whole[at]!]!, weights[whole[at]!]!);
  for (const t of terms) {
    if (rows[t]!.length < sums.length) addOne(sums, rows[t]!, weights[t]!);
  }
}

function addFour(
  sums: Float64Array,
  rows: readonly Float32Array[],
  weights: ArrayLike<number>,
  terms: readonly number[],
): void {
  const [t0, t1, t2, t3] = terms as [number, number, number, number];
  const [row0, row1, row2, row3] = [rows[t0]!, rows[t1]!, rows[t2]!, rows[t3]!];
  const [w0, w1, w2, w3] = [weights[t0]!, weights[t1]!, weights[t2]!, weights[t3]!];
  for (let j = 0; j < sums.length; j++) {
    sums[j] = sums[j]! + w0 * row0[j]! + w1 * row1[j]! + w2 * row2[j]! + w3 * row3[j]!;
  }
}

function addTwo(
  sums: Float64Array,
  rows: readonly Float32Array[],
  weights: ArrayLike<number>,
  t0: number,
  t1: number,
): void {
  const [row0, row1] = [rows[t0]!, rows[t1]!];
  const [w0, w1] = [weights[t0]!, weights[t1]!];
  for (let j = 0; j < sums.length; j++) sums[j] = sums[j]! + w0 * row0[j]! + w1 * row1[j]!;
}

function addOne(sums: Float64Array, row: Float32Array, weight: number): void {
  const end = Math.min(row.length, sums.length);
  for (let j = 0; j < end; j++) sums[j]! += weight * row[j]!;
}
