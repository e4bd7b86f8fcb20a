import type { Partition } from "../core/code.ts";
import { ClosedError, InputError } from "../core/errors.ts";
import { type Matrix, requireMatrix } from "../core/matrix.ts";
import { requireOptions } from "../core/options.ts";
import type { MultiplyOptions, Product } from "../core/product.ts";
import type { ComputeWorker, ProductShape } from "../core/worker.ts";
import { systemClock } from "../runtime/clock.ts";
import { multiplyCoded } from "../runtime/multiply.ts";
import { type LinkedAbort, linkedAbort } from "../runtime/signals.ts";
import { chooseCode } from "./choose-code.ts";
import { acquire, type EngineDevice } from "./devices.ts";
import { type EngineOptions, engineOptionsSchema, multiplyOptionsSchema } from "./options.ts";

/** Workers that multiply together. Dispose of it when done: it holds devices and threads. */
export interface Engine extends AsyncDisposable {
  readonly workers: readonly ComputeWorker[];
  /** What encodes and decodes, and what the workers are where the engine made them. */
  readonly device: EngineDevice;
  /**
   * C = A·B, from the first sufficient set of products. Jobs may overlap; they share the workers.
   *
   * @throws {ShapeError} when the operands cannot be multiplied.
   * @throws {CodeParameterError} when the code is so badly conditioned that it would leave only noise.
   * @throws {InputError} for an option out of range, and for NaN or ±Inf unless allowed.
   * @throws {UndecodableError} when every task settled and C is not determined.
   * @throws {ClosedError} after the engine was disposed of.
   * @throws `signal.reason` as soon as `signal` aborts.
   */
  multiply(a: Matrix, b: Matrix, options?: MultiplyOptions): Promise<Product>;
  /** What `await using` calls at the end of its block: ends running jobs and lets devices and threads go. */
  close(): Promise<void>;
}

/**
 * Acquires this machine's devices as workers.
 *
 * @throws {InputError} for an option out of range.
 * @throws {NoDeviceError} when there is no device of the kind asked for.
 * @throws `signal.reason` when `signal` aborts first.
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  requireOptions(engineOptionsSchema, options);
  if (Array.isArray(options.workers)) requireDistinctIds(options.workers);
  options.signal?.throwIfAborted();
  const { workers, backend, device, release } = await acquire(options);

  const jobs = new Map<Promise<unknown>, LinkedAbort>();
  let closing: { readonly done: Promise<void> } | undefined;

  const run = async (
    a: Matrix,
    b: Matrix,
    given: MultiplyOptions,
    signal: AbortSignal,
  ): Promise<Product> => {
    requireMatrix("a", a);
    requireMatrix("b", b);
    const shape = { rows: a.rows, inner: a.cols, cols: b.cols };
    const code = given.code ?? chooseCode(shape, workers.length);
    announce(workers, shape, code.partition);
    return await multiplyCoded(a, b, {
      ...given,
      code,
      signal,
      workers,
      backend,
      clock: systemClock,
      seed: crypto.getRandomValues(new Uint32Array(1))[0]!,
    });
  };

  return {
    workers,
    device,
    async multiply(a, b, given = {}) {
      if (closing) throw new ClosedError("multiply was called after the engine was disposed of");
      requireOptions(multiplyOptionsSchema, given);
      using abort = linkedAbort(given.signal);
      const job = awake(run(a, b, given, abort.signal));
      jobs.set(job, abort);
      try {
        return await job;
      } finally {
        jobs.delete(job);
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  };

  function close(): Promise<void> {
    closing ??= { done: end() };
    return closing.done;
  }

  async function end(): Promise<void> {
    const reason = new ClosedError("the engine was disposed of while a job was running");
    for (const abort of jobs.values()) abort.abort(reason);
    await Promise.allSettled(jobs.keys());
    await release();
  }
}

/** Lets workers compile for the job's tasks while its operands are checked and encoded. */
function announce(
  workers: readonly ComputeWorker[],
  { rows, inner, cols }: ProductShape,
  { m, k, n }: Partition,
): void {
  if (rows < 1 || inner < 1 || cols < 1) return;
  const task = {
    rows: Math.ceil(rows / m),
    inner: Math.ceil(inner / k),
    cols: Math.ceil(cols / n),
  };
  for (const worker of workers) worker.prepare?.(task);
}

/**
 * Keeps a Node process alive until the job settles: a race of silent workers holds no handle, and the
 * caller's deadline may be an `AbortSignal.timeout`, whose timer holds none either.
 */
function awake<T>(job: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, 2 ** 30);
  return job.finally(() => clearInterval(timer));
}

function requireDistinctIds(workers: readonly ComputeWorker[]): void {
  const ids = new Set<string>();
  for (const { id } of workers) {
    if (ids.has(id)) throw new InputError(`workers must have distinct ids, got "${id}" twice`);
    ids.add(id);
  }
}
