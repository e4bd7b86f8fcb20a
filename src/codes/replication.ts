/**
 * @file The schemes without coding that every code must be compared with: each of the m·k·n block
 * products is a task of its own, once (uncoded) or several times (replication).
 *
 * C_ij = Σ_l A_il B_lj, so block (i, j) is whole once one copy of each of its k products is in.
 */

import type { Code, Partition } from "../core/code.ts";
import { CodeParameterError } from "../core/errors.ts";
import { table } from "../core/table.ts";
import { EXACT_TOLERANCE, requireTasks } from "./bilinear.ts";
import { memoizeBySet } from "./memoize.ts";
import { requireInteger, requirePartition, requireTableSize } from "./parameters.ts";

export interface UncodedOptions {
  readonly partition: Partition;
}

export interface ReplicationOptions {
  readonly partition: Partition;
  /**
   * How many tasks make each product: one number for all, or m·k·n numbers ≥ 1, one a product, in
   * row-major order of (i, j, l).
   */
  readonly copies: number | readonly number[];
}

/**
 * m·k·n tasks, all of which are needed: the baseline that waits for its slowest worker.
 *
 * @throws {CodeParameterError} when the partition is no triple of positive integers.
 */
export function uncoded({ partition }: UncodedOptions): Code {
  requirePartition(partition);
  const { m, k, n } = partition;
  return copiesOf(partition, Array<number>(m * k * n).fill(1), `uncoded(m=${m}, k=${k}, n=${n})`);
}

/**
 * Every product `copies` times. Tolerates any copies-1 losses for certain, more when they happen to
 * hit different products. Copy 0 of every product comes first, so that workers which pull tasks start
 * on a second copy only when each product has been begun once.
 *
 * @throws {CodeParameterError} when the partition or the copies are out of range.
 */
export function replication({ partition, copies }: ReplicationOptions): Code {
  requirePartition(partition);
  const { m, k, n } = partition;
  const products = m * k * n;
  const list = typeof copies === "number" ? Array<number>(products).fill(copies) : [...copies];
  if (list.length !== products) {
    throw new CodeParameterError(
      `copies must be a number or have m·k·n = ${products} entries, got ${list.length}`,
    );
  }
  for (const [product, count] of list.entries()) {
    requireInteger(typeof copies === "number" ? "copies" : `copies[${product}]`, count, 1);
  }
  const shown =
    typeof copies === "number"
      ? copies
      : `[${list.slice(0, 8).join(" ")}${products > 8 ? " …" : ""}]`;
  return copiesOf(partition, list, `replication(m=${m}, k=${k}, n=${n}, copies=${shown})`);
}

function copiesOf(partition: Partition, copies: readonly number[], name: string): Code {
  const { m, k, n } = partition;
  const tasks = copies.reduce((sum, count) => sum + count, 0);
  requireTableSize(tasks, partition);

  const productOfTask: number[] = [];
  for (let copy = 0; productOfTask.length < tasks; copy++) {
    for (const [product, count] of copies.entries()) if (copy < count) productOfTask.push(product);
  }
  const blockOf = (product: number) => Math.floor(product / k);
  const aBlock = (product: number) => Math.floor(blockOf(product) / n) * k + (product % k);
  const bBlock = (product: number) => (product % k) * n + (blockOf(product) % n);

  const decodePlan = memoizeBySet((received) => {
    // One copy of a product is exact, so further copies are left out of the plan.
    const taskOf = new Map<number, number>();
    for (const task of [...requireTasks(received, tasks)].sort((s, t) => s - t)) {
      const product = productOfTask[task]!;
      if (!taskOf.has(product)) taskOf.set(product, task);
    }
    const products = [...taskOf.keys()];
    const blocks = m * n;
    const made = new Float64Array(blocks);
    for (const product of products) made[blockOf(product)]!++;
    return {
      tasks: [...taskOf.values()],
      c: table(blocks, products.length, (r, s) => (blockOf(products[s]!) === r ? 1 : 0)),
      misfit: made.map((count) => Math.sqrt(k - count)),
      amplification: made.reduce((most, count) => Math.max(most, count), 0),
    };
  });
  return {
    name,
    partition,
    tasks,
    recoveryThreshold: tasks - Math.min(...copies) + 1,
    tolerance: EXACT_TOLERANCE,
    encodePlan: {
      a: table(tasks, m * k, (t, block) => (block === aBlock(productOfTask[t]!) ? 1 : 0)),
      b: table(tasks, k * n, (t, block) => (block === bBlock(productOfTask[t]!) ? 1 : 0)),
    },
    canDecode(received) {
      const products = new Set<number>();
      for (const task of requireTasks(received, tasks)) products.add(productOfTask[task]!);
      return products.size === copies.length;
    },
    decodePlan,
  };
}
