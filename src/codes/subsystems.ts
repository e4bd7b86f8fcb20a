/**
 * @file Splits the decoding problem into its independent parts.
 *
 * Two received tasks belong together when some pair (A_p, B_q) occurs in both. Uncoded and replicated
 * products fall apart into single tasks, product and locally coded schemes into small groups, so the
 * cost of decoding follows the code's structure without any code saying what its structure is.
 */

import { Matrix as DenseMatrix } from "ml-matrix";
import type { BlockCombination } from "../core/code.ts";
import { rowNorms, tableRow } from "../core/table.ts";

/** One least-squares problem: rows are pairs (A_p, B_q), columns are tasks, right-hand sides targets. */
export interface Subsystem {
  /** κ of each task as a column of unit length. */
  readonly matrix: DenseMatrix;
  /** ‖a_s‖·‖b_s‖ of each column before it was scaled. */
  readonly norms: readonly number[];
  readonly targetMatrix: DenseMatrix;
  /** Position of each column in the sorted list of received tasks. */
  readonly tasks: readonly number[];
  /** Block of C of each column of `targetMatrix`. */
  readonly targets: readonly number[];
}

/**
 * @param tasks received tasks, sorted.
 * @param targets per block of C, the pairs (p, q) that sum to it.
 * @returns the subsystems, and per block how many of its pairs no received task contains.
 */
export function connectedSystems(
  encodePlan: { readonly a: BlockCombination; readonly b: BlockCombination },
  tasks: readonly number[],
  targets: readonly (readonly (readonly [number, number])[])[],
): { readonly systems: readonly Subsystem[]; readonly unreached: readonly number[] } {
  const { a, b } = encodePlan;
  const normsA = rowNorms(a);
  const normsB = rowNorms(b);
  const rows = tasks.map((task) => {
    const norm = normsA[task]! * normsB[task]!;
    return { norm, entries: norm > 0 ? pairsOf(tableRow(a, task), tableRow(b, task)) : [] };
  });

  const groups = groupByPairs(rows.map((row) => row.entries.map(([pair]) => pair)));
  const groupOfPair = new Map<number, number>();
  for (const [g, group] of groups.entries())
    for (const pair of group.pairs) groupOfPair.set(pair, g);

  const wanted = groups.map(() => new Map<number, number[]>());
  const unreached = targets.map((pairs, r) => {
    let missing = 0;
    for (const [p, q] of pairs) {
      const pair = p * b.cols + q;
      const g = groupOfPair.get(pair);
      if (g === undefined) missing++;
      else wanted[g]!.set(r, [...(wanted[g]!.get(r) ?? []), pair]);
    }
    return missing;
  });

  const systems = groups.flatMap((group, g) => {
    if (wanted[g]!.size === 0) return [];
    const rowOfPair = new Map(group.pairs.map((pair, row) => [pair, row]));
    const matrix = DenseMatrix.zeros(group.pairs.length, group.tasks.length);
    for (const [column, s] of group.tasks.entries()) {
      const { norm, entries } = rows[s]!;
      for (const [pair, value] of entries) matrix.set(rowOfPair.get(pair)!, column, value / norm);
    }
    const targetMatrix = DenseMatrix.zeros(group.pairs.length, wanted[g]!.size);
    for (const [column, pairs] of [...wanted[g]!.values()].entries()) {
      for (const pair of pairs) targetMatrix.set(rowOfPair.get(pair)!, column, 1);
    }
    return {
      matrix,
      norms: group.tasks.map((s) => rows[s]!.norm),
      targetMatrix,
      tasks: group.tasks,
      targets: [...wanted[g]!.keys()],
    };
  });
  return { systems, unreached };
}

/** The non-zero entries of a ⊗ b, as (pair index, value). */
function pairsOf(a: Float64Array, b: Float64Array): [number, number][] {
  const entries: [number, number][] = [];
  for (let p = 0; p < a.length; p++) {
    if (a[p] === 0) continue;
    for (let q = 0; q < b.length; q++) {
      if (b[q] !== 0) entries.push([p * b.length + q, a[p]! * b[q]!]);
    }
  }
  return entries;
}

/** Connected components of tasks that share pairs (union-find). Tasks without pairs are left out. */
function groupByPairs(
  pairsOfTask: readonly (readonly number[])[],
): { readonly tasks: number[]; readonly pairs: number[] }[] {
  const parent = pairsOfTask.map((_, s) => s);
  const root = (s: number): number => {
    let at = s;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  const firstTaskOf = new Map<number, number>();
  for (const [s, pairs] of pairsOfTask.entries()) {
    for (const pair of pairs) {
      const other = firstTaskOf.get(pair);
      if (other === undefined) firstTaskOf.set(pair, s);
      else parent[root(s)] = root(other);
    }
  }
  const groups = new Map<number, { tasks: number[]; pairs: number[] }>();
  for (const [s, pairs] of pairsOfTask.entries()) {
    if (pairs.length === 0) continue;
    const group = groups.get(root(s)) ?? { tasks: [], pairs: [] };
    group.tasks.push(s);
    groups.set(root(s), group);
  }
  for (const [pair, s] of firstTaskOf) groups.get(root(s))!.pairs.push(pair);
  return [...groups.values()];
}
