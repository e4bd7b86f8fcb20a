import type { BlockCombination } from "../../core/code.ts";
import { MAX_OUTPUTS, type TablePanel } from "./combine-table.ts";

/** A table whose row r is q_r · (1, p_r, p_r², …), from the first column or from the last. */
export interface Vandermonde {
  readonly points: Float64Array;
  readonly scales: Float64Array;
  /** True where the first column has the highest power. */
  readonly descending: boolean;
}

/** Growth of a row's powers above which sums might leave the range of float32. */
const MOST_GROWTH = 2 ** 32;

/**
 * Reads a table as a Vandermonde table: every weight must be the power that it should be, to the rounding
 * of float64. Undefined for other tables, for those of fewer than three columns, and where powers grow
 * beyond 2^32.
 */
export function vandermondeOf(table: BlockCombination): Vandermonde | undefined {
  if (table.cols < 3) return undefined;
  return readPowers(table, false) ?? readPowers(table, true);
}

function readPowers(table: BlockCombination, descending: boolean): Vandermonde | undefined {
  const { rows, cols, weights } = table;
  const points = new Float64Array(rows);
  const scales = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const at = (power: number) => weights[r * cols + (descending ? cols - 1 - power : power)]!;
    const scale = at(0);
    const point = at(1) / scale;
    if (scale === 0 || !(Math.abs(point) ** (cols - 1) <= MOST_GROWTH)) return undefined;
    for (let c = 2; c < cols; c++) {
      const power = scale * point ** c;
      // The weight, the point and the power are each off by a few roundings for every factor.
      if (!(Math.abs(at(c) - power) <= 4 * c * Number.EPSILON * Math.abs(power))) return undefined;
    }
    points[r] = point;
    scales[r] = scale;
  }
  return { points, scales, descending };
}

/** Points, then factors: `points` of combine_horner.wgsl. */
export function packPoints(
  { points, scales, descending }: Vandermonde,
  table: BlockCombination,
  panel: TablePanel,
  packed: Float32Array,
): void {
  const { inputs } = panel; // none where the tile only fills with zeros
  const lowest = descending ? table.cols - 1 - (inputs.at(-1) ?? 0) : (inputs[0] ?? 0);
  for (const [r, row] of panel.outputs.entries()) {
    packed[r] = points[row]!;
    packed[MAX_OUTPUTS + r] = scales[row]! * points[row]! ** lowest;
  }
}
