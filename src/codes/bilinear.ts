/**
 * @file Any bilinear code, from its two encode tables.
 *
 * Task t is (Σ_p a_tp A_p)·(Σ_q b_tq B_q). Everything else, which sets decode and with what weights,
 * follows from the tables by the universal decoder.
 */

import type { BlockCombination, Code, Partition } from "../core/code.ts";
import { CodeParameterError } from "../core/errors.ts";
import { memoizeBySet } from "./memoize.ts";
import { requirePartition } from "./parameters.ts";
import { provenRecoveryThreshold } from "./recovery-threshold.ts";
import { type BilinearTables, isWithinTolerance, universalDecode } from "./universal-decoder.ts";

/** Relative misfit at which an exact code counts as decoded. */
export const EXACT_TOLERANCE = 1e-9;

export interface BilinearCodeOptions {
  readonly name: string;
  readonly partition: Partition;
  /** N×(m·k): row t makes Ã_t. Copied. */
  readonly a: BlockCombination;
  /** N×(k·n): row t makes B̃_t. Copied. */
  readonly b: BlockCombination;
  /** Largest relative misfit that counts as decoded. Default 1e-9. */
  readonly tolerance?: number;
}

/**
 * Builds a code from two coefficient tables.
 *
 * `recoveryThreshold` is found by search when first read: exact for small codes, and otherwise the
 * smallest number of products that the search could prove sufficient.
 *
 * @throws {CodeParameterError} when a table does not fit the partition or holds a non-finite weight.
 */
export function bilinearCode(options: BilinearCodeOptions): Code {
  const { name, partition, tolerance = EXACT_TOLERANCE } = options;
  requirePartition(partition);
  const { m, k, n } = partition;
  const a = requireTable("a", options.a, m * k);
  const b = requireTable("b", options.b, k * n);
  if (a.rows !== b.rows) {
    throw new CodeParameterError(
      `a and b must have one row a task each, got ${a.rows} and ${b.rows} rows`,
    );
  }
  if (!(tolerance >= 0 && tolerance < 1)) {
    throw new CodeParameterError(`tolerance must be at least 0 and below 1, got ${tolerance}`);
  }

  const tables: BilinearTables = { partition, tolerance, encodePlan: { a, b } };
  const decodePlan = memoizeBySet((received) =>
    universalDecode(tables, requireTasks(received, a.rows)),
  );
  const canDecode = (received: ReadonlySet<number>) =>
    isWithinTolerance(tables, decodePlan(received).misfit);
  let threshold: number | undefined;
  return {
    name,
    partition,
    tasks: a.rows,
    get recoveryThreshold() {
      threshold ??= provenRecoveryThreshold(a.rows, canDecode, searchBudget(tables));
      return threshold;
    },
    tolerance,
    encodePlan: { a, b },
    canDecode,
    decodePlan,
  };
}

/** As many trials as take about a second, a trial being a QR factorisation of pairs + tasks rows. */
function searchBudget({ encodePlan: { a, b } }: BilinearTables): number {
  const flops = 2 * (a.cols * b.cols + a.rows) * a.rows ** 2;
  return Math.min(4000, Math.max(50, Math.floor(2e8 / flops)));
}

/** @throws {CodeParameterError} when a received index is no task of the code. */
export function requireTasks(received: ReadonlySet<number>, tasks: number): ReadonlySet<number> {
  for (const task of received) {
    if (!Number.isInteger(task) || task < 0 || task >= tasks) {
      throw new CodeParameterError(
        `received must hold task indices from 0 to ${tasks - 1}, got ${task}`,
      );
    }
  }
  return received;
}

function requireTable(name: string, table: BlockCombination, cols: number): BlockCombination {
  const { rows, weights } = table;
  if (!Number.isSafeInteger(rows) || rows < 1) {
    throw new CodeParameterError(`${name}.rows must be a positive integer, got ${rows}`);
  }
  if (table.cols !== cols) {
    throw new CodeParameterError(
      `${name}.cols must be ${cols}, the number of blocks, got ${table.cols}`,
    );
  }
  if (weights.length !== rows * cols) {
    throw new CodeParameterError(
      `${name}.weights must have rows·cols = ${rows * cols} entries, got ${weights.length}`,
    );
  }
  const bad = weights.findIndex((weight) => !Number.isFinite(weight));
  if (bad >= 0) {
    throw new CodeParameterError(
      `${name}.weights must be finite, got ${weights[bad]} at row ${Math.floor(bad / cols)}, ` +
        `column ${bad % cols}`,
    );
  }
  return { rows, cols, weights: Float64Array.from(weights) };
}
