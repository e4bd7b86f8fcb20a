/** @file One multiplication, from two matrices to the product and what is known of it. */

import { cut, planGrids } from "../core/blocks.ts";
import type { Code, DecodePlan } from "../core/code.ts";
import { ShapeError, UndecodableError } from "../core/errors.ts";
import {
  firstNonFinite,
  frobenius,
  type Matrix,
  requireFinite,
  requireMatrix,
  zeros,
} from "../core/matrix.ts";
import type { MultiplyOptions, Product, ProgressEvent } from "../core/product.ts";
import { seededRandom } from "../core/random.ts";
import type { ComputeWorker } from "../core/worker.ts";
import type { TableBackend } from "./backend.ts";
import type { Clock } from "./clock.ts";
import { type BlockNorms, errorBound, euclidean, predictedError } from "./error-bound.ts";
import { requireUsable } from "./preflight.ts";
import { productObjection } from "./product-check.ts";
import { type Arrivals, race } from "./race.ts";
import { measureResidual } from "./residual.ts";
import { createTaskSource } from "./task-source.ts";

/**
 * How far the estimate of an error may exceed the error: the mean of two squares, each of which
 * exceeds 25 times its mean for hardly one choice of signs in a million.
 */
const LUCK = 5;

/** What one multiplication is given besides the operands. */
export interface JobOptions extends Omit<MultiplyOptions, "signal"> {
  readonly code: Code;
  readonly signal: AbortSignal;
  readonly workers: readonly ComputeWorker[];
  readonly backend: TableBackend;
  readonly clock: Clock;
  /** Seeds the random probes of verification and residual. */
  readonly seed: number;
}

/**
 * @throws {ShapeError} when the operands cannot be multiplied.
 * @throws {CodeParameterError} when the code would leave nothing but noise.
 * @throws {InputError} for NaN or ±Inf, unless allowed.
 * @throws {UndecodableError} when no more products can come and C is not determined.
 * @throws `signal.reason` when `signal` aborts.
 */
export async function multiplyCoded(a: Matrix, b: Matrix, options: JobOptions): Promise<Product> {
  const { code, signal, clock, workers, backend, tolerance, allowNonFinite = false } = options;
  const startMs = clock.now();
  requireMultiplicable(a, b);
  signal.throwIfAborted();
  if (!allowNonFinite) {
    requireFinite("a", a);
    requireFinite("b", b);
  }

  const report = (phase: ProgressEvent["phase"], rest: Partial<ProgressEvent> = {}) =>
    options.onProgress?.({
      phase,
      atMs: clock.now() - startMs,
      received: 0,
      needed: code.recoveryThreshold,
      tasks: code.tasks,
      failures: 0,
      ...rest,
    });

  requireUsable(code, a.cols / code.partition.k);
  const grids = planGrids({ rows: a.rows, inner: a.cols, cols: b.cols }, code.partition);
  const c = zeros(a.rows, b.cols);
  const norms: BlockNorms = {
    a: Float64Array.from(cut(a, grids.a), frobenius),
    b: Float64Array.from(cut(b, grids.b), frobenius),
  };
  const shape = { ...grids.c.block, inner: grids.a.block.cols };
  const roundingsOf = (products: Arrivals) => (task: number) =>
    products.get(task)?.worker.roundings?.(shape) ?? shape.inner;
  const boundOf = (plan: DecodePlan, products: Arrivals) => {
    const roundings = roundingsOf(products);
    const bound = errorBound({ code, plan, norms, shape, roundings });
    return Number.isNaN(bound) ? Number.POSITIVE_INFINITY : bound;
  };
  const enough = (products: Arrivals) => {
    const received = new Set(products.keys());
    if (code.canDecode(received)) return true;
    return tolerance !== undefined && boundOf(code.decodePlan(received), products) <= tolerance;
  };

  report("encode");
  const batch = Math.min(workers.length, backend.rowsTogether);
  await using source = createTaskSource({ code, grids, a, b, backend, batch });
  const outcome = await race({
    tasks: code.tasks,
    source,
    workers,
    enough,
    objection: productObjection({
      block: grids.c.block,
      verify: options.verify ?? false,
      allowNonFinite,
      random: seededRandom(options.seed, "freivalds"),
    }),
    clock,
    startMs,
    deadlineMs: options.deadlineMs,
    signal,
    onEvent: (event, state) => report("race", { ...state, event }),
  });
  const { products, failures } = outcome;
  if (outcome.verdict === "exhausted") {
    throw new UndecodableError({
      codeName: code.name,
      received: [...products.keys()],
      recoveryThreshold: code.recoveryThreshold,
      failures,
    });
  }

  const state = { received: products.size, failures: failures.length };
  report("decode", state);
  const received = new Set(products.keys());
  const plan = code.decodePlan(received);
  if (plan.tasks.length > 0) {
    await using loaded = await backend.load(
      plan.tasks.map((task) => products.get(task)!.product),
      grids.c.block,
      { signal },
    );
    await loaded.combine(plan.c, cut(c, grids.c), { signal });
  }

  report("check", state);
  const scale = euclidean(norms.a) * euclidean(norms.b);
  const random = seededRandom(options.seed, "residual");
  const residual = await measureResidual({ a, b, c, random, clock, signal });
  // Finite operands whose product overflows float32: no analysis holds any more.
  const overflowed = !Number.isFinite(residual) || firstNonFinite(c) !== undefined;
  const usedTasks = new Set(plan.tasks);
  const bound = overflowed ? Number.POSITIVE_INFINITY : boundOf(plan, products);
  const product: Product = {
    c,
    error: {
      bound,
      predicted: predictedError({ code, plan, roundings: roundingsOf(products) }),
      residual: residual === 0 ? 0 : residual / scale,
      relative: residual === 0 ? 0 : residual / frobenius(c),
      consistent: overflowed || residual <= LUCK * bound * scale,
    },
    used: [...products.keys()].filter((task) => usedTasks.has(task)),
    stragglers: outcome.stragglers,
    failures,
    timeline: outcome.timeline,
    code: code.name,
    complete: outcome.verdict === "enough" || enough(products),
    decodedAtMs: outcome.decidedAtMs,
    elapsedMs: clock.now() - startMs,
  };
  report("done", state);
  return product;
}

function requireMultiplicable(a: Matrix, b: Matrix): void {
  requireMatrix("a", a);
  requireMatrix("b", b);
  if (a.cols !== b.rows) {
    throw new ShapeError(
      `a.cols must equal b.rows, got ${a.rows}×${a.cols} times ${b.rows}×${b.cols}`,
    );
  }
}
