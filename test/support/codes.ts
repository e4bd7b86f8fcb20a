import type { BlockCombination, Code } from "../../src/core/code.ts";

/** Every subset of 0 … count-1, from the empty one to the whole. For count ≤ 10 or so. */
export function* subsets(count: number): Generator<ReadonlySet<number>> {
  for (let bits = 0; bits < 2 ** count; bits++) {
    const subset = new Set<number>();
    for (let i = 0; i < count; i++) if (bits & (1 << i)) subset.add(i);
    yield subset;
  }
}

/** A block of float64 numbers, row-major without gaps. */
export interface Block64 {
  readonly rows: number;
  readonly cols: number;
  readonly data: Float64Array;
}

/** Random blocks of the operands of one code, all of shape rows×inner and inner×cols. */
export function randomBlocks(
  count: number,
  rows: number,
  cols: number,
  random: () => number,
): Block64[] {
  return Array.from({ length: count }, () => ({
    rows,
    cols,
    data: Float64Array.from({ length: rows * cols }, () => 2 * random() - 1),
  }));
}

/** Σ_c weights[row, c]·blocks[c], term by term. */
export function combineBlocks(
  table: BlockCombination,
  row: number,
  blocks: readonly Block64[],
  shape: { readonly rows: number; readonly cols: number },
): Block64 {
  const data = new Float64Array(shape.rows * shape.cols);
  for (const [c, block] of blocks.entries()) {
    const weight = table.weights[row * table.cols + c]!;
    for (let e = 0; e < data.length; e++) data[e]! += weight * block.data[e]!;
  }
  return { ...shape, data };
}

export function multiplyBlocks(a: Block64, b: Block64): Block64 {
  const data = new Float64Array(a.rows * b.cols);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.cols; j++) {
      for (let l = 0; l < a.cols; l++) {
        data[i * b.cols + j]! += a.data[i * a.cols + l]! * b.data[l * b.cols + j]!;
      }
    }
  }
  return { rows: a.rows, cols: b.cols, data };
}

export function norm64(block: Block64): number {
  return Math.hypot(...block.data);
}

/** The blocks of C, straight from its definition: C_ij = Σ_l A_il B_lj. */
export function trueBlocks(
  { partition: { m, k, n } }: Code,
  a: readonly Block64[],
  b: readonly Block64[],
): Block64[] {
  const blocks: Block64[] = [];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      const terms = Array.from({ length: k }, (_, l) =>
        multiplyBlocks(a[i * k + l]!, b[l * n + j]!),
      );
      const data = new Float64Array(terms[0]!.data.length);
      for (const term of terms) for (let e = 0; e < data.length; e++) data[e]! += term.data[e]!;
      blocks.push({ rows: terms[0]!.rows, cols: terms[0]!.cols, data });
    }
  }
  return blocks;
}
