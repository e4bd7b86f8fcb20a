import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";

import { ClosedError, ShapeError } from "../../src/core/errors.ts";
import { gamma } from "../../src/core/float32.ts";
import type { Matrix } from "../../src/core/matrix.ts";
import type { ComputeWorker, Task } from "../../src/core/worker.ts";
import {
  multiplyMagnitudes64,
  multiplyReference64,
  randomMatrix,
  withRowStride,
  worstDeviation,
} from "./matrices.ts";

/** How one kind of worker is made for the conformance suite. */
export interface WorkerKind {
  /** A new worker, which the suite disposes of. */
  readonly create: () => ComputeWorker;
  /** What `create`d workers hold of a resource that must be the same whenever they are idle. */
  readonly held?: (worker: ComputeWorker) => unknown;
}

/** A signal that never aborts. */
export const never: AbortSignal = new AbortController().signal;

/** A task of seeded random operands, gaps of NaN in their rows where `gap` is positive. */
export function randomTask(
  { m, k, n, gap = 0 }: { m: number; k: number; n: number; gap?: number },
  seed = 0,
): Task {
  return {
    index: seed,
    a: withRowStride(randomMatrix(m, k, "a", seed), k + gap),
    b: withRowStride(randomMatrix(k, n, "b", seed), n + gap),
  };
}

/**
 * The worst error of a product as a multiple of its bound, and 0 if exact: γ_r|A||B| for the roundings
 * that the worker promises, γ_k|A||B| where it promises nothing.
 */
export function deviationOf(product: Matrix, { a, b }: Task, worker?: ComputeWorker): number {
  const shape = { rows: a.rows, inner: a.cols, cols: b.cols };
  return worstDeviation(product, multiplyReference64(a, b), {
    factor: gamma(worker?.roundings?.(shape) ?? shape.inner),
    scale: multiplyMagnitudes64(a, b),
  });
}

/** Every promise of a `ComputeWorker`, as tests of one kind of worker. Call it inside a `describe`. */
export function testConformance({ create, held }: WorkerKind): void {
  function fresh(): ComputeWorker {
    const worker = create();
    onTestFinished(() => worker[Symbol.asyncDispose]());
    return worker;
  }

  describe("products", () => {
    test("are within the promised γ_r|A||B| for any shape and row stride", async () => {
      const worker = fresh();
      const side = fc.oneof(
        fc.integer({ min: 1, max: 70 }),
        fc.constantFrom(1, 2, 3, 5, 7, 13, 31, 61, 67),
      );
      const shape = fc.record({ m: side, k: side, n: side, gap: fc.integer({ min: 0, max: 9 }) });
      await fc.assert(
        fc.asyncProperty(shape, fc.nat(), async (dimensions, seed) => {
          const task = randomTask(dimensions, seed);
          const product = await worker.multiply(task, { signal: never });
          expect(deviationOf(product, task, worker)).toBeLessThanOrEqual(1);
        }),
        { numRuns: 40, seed: 1 },
      );
    });

    test.each([
      { m: 1, k: 40_000, n: 1 },
      { m: 5000, k: 1, n: 30 },
      { m: 3, k: 1500, n: 1100 },
      { m: 1100, k: 700, n: 3 },
      { m: 523, k: 1031, n: 17 },
      { m: 701, k: 43, n: 709 },
    ])("are within the promised γ_r|A||B| for $m×$k×$n", async (shape) => {
      const worker = fresh();
      const task = randomTask(shape);
      const product = await worker.multiply(task, { signal: never });
      expect(deviationOf(product, task, worker)).toBeLessThanOrEqual(1);
    });

    test("are exact for small integers", async () => {
      const integers = (source: Matrix): Matrix => ({
        ...source,
        data: source.data.map((value) => Math.round(8 * value)),
      });
      const { index, a, b } = randomTask({ m: 37, k: 200, n: 41 });
      const task = { index, a: integers(a), b: integers(b) };
      const product = await fresh().multiply(task, { signal: never });
      expect([...product.data]).toEqual([...multiplyReference64(task.a, task.b).data]);
    });

    test("are not finite where an operand is not", async () => {
      const { index, a, b } = randomTask({ m: 21, k: 33, n: 26 });
      a.data[3 * a.rowStride + 5] = Number.NaN;
      a.data[8 * a.rowStride + 32] = Number.POSITIVE_INFINITY;
      b.data[7 * b.rowStride + 25] = Number.NEGATIVE_INFINITY;
      const product = await fresh().multiply({ index, a, b }, { signal: never });
      const expected = multiplyReference64(a, b);
      expect([...product.data].map(Number.isFinite)).toEqual(
        [...expected.data].map(Number.isFinite),
      );
    });

    test("leave the operands as they were", async () => {
      const task = randomTask({ m: 9, k: 70, n: 11, gap: 3 });
      const before = [task.a.data.slice(), task.b.data.slice()];
      await fresh().multiply(task, { signal: never });
      expect([task.a.data, task.b.data]).toEqual(before);
    });

    test("are packed, and their memory belongs to the caller", async () => {
      const worker = fresh();
      const first = await worker.multiply(randomTask({ m: 20, k: 30, n: 40 }), { signal: never });
      const asDelivered = first.data.slice();
      const task = randomTask({ m: 20, k: 30, n: 40 }, 1);
      const second = await worker.multiply(task, { signal: never });

      expect(first).toMatchObject({ rows: 20, cols: 40, rowStride: 40 });
      expect(first.data.length).toBe(800);
      expect(first.data).toEqual(asDelivered);
      expect(second.data.buffer).not.toBe(first.data.buffer);
      first.data.fill(0);
      expect(deviationOf(second, task)).toBeLessThanOrEqual(1);
    });

    test("of concurrent calls are not mixed up", async () => {
      const worker = fresh();
      const tasks = [1, 17, 64, 33, 33, 5, 70, 2].map((size, seed) =>
        randomTask({ m: size, k: 71 - size, n: size + 3 }, seed),
      );
      const products = await Promise.all(
        tasks.map((task) => worker.multiply(task, { signal: never })),
      );
      for (const [i, task] of tasks.entries()) {
        expect(deviationOf(products[i]!, task)).toBeLessThanOrEqual(1);
      }
    });

    test("200 in a row leave nothing behind", async () => {
      const worker = fresh();
      const task = randomTask({ m: 48, k: 36, n: 40 });
      const multiply = () => worker.multiply(task, { signal: never });
      for (let i = 0; i < 5; i++) await multiply();
      const before = await held?.(worker);
      for (let i = 0; i < 200; i++) expect((await multiply()).data.length).toBe(48 * 40);
      expect(await held?.(worker)).toBe(before);
    });
  });

  describe("operands", () => {
    test("that do not fit each other are refused", async () => {
      const { a } = randomTask({ m: 3, k: 4, n: 5 });
      const { b } = randomTask({ m: 3, k: 5, n: 5 });
      const product = fresh().multiply({ index: 0, a, b }, { signal: never });
      await expect(product).rejects.toThrow(ShapeError);
    });

    test("that are empty are refused", async () => {
      const empty = { rows: 0, cols: 0, rowStride: 0, data: new Float32Array() };
      const product = fresh().multiply({ index: 0, a: empty, b: empty }, { signal: never });
      await expect(product).rejects.toThrow(ShapeError);
    });
  });

  test("onStarted is called once, before the product", async () => {
    const worker = fresh();
    const events: string[] = [];
    const work = Array.from({ length: 4 }, async (_, i) => {
      const onStarted = () => events.push(`start ${i}`);
      await worker.multiply(randomTask({ m: 8, k: 8, n: 8 }, i), { signal: never, onStarted });
      events.push(`end ${i}`);
    });
    await Promise.all(work);
    for (let i = 0; i < 4; i++) {
      expect(events.filter((event) => event.endsWith(` ${i}`))).toEqual([`start ${i}`, `end ${i}`]);
    }
  });

  describe("aborting", () => {
    const reason = new Error("not wanted any more");
    /** Long enough not to end by itself before the abort is seen. */
    const long = { m: 1024, k: 1024, n: 1024 };

    test("before the call rejects with the reason and does nothing", async () => {
      let started = false;
      const onStarted = () => {
        started = true;
      };
      const worker = fresh();
      const product = worker.multiply(randomTask({ m: 4, k: 4, n: 4 }), {
        signal: AbortSignal.abort(reason),
        onStarted,
      });
      await expect(product).rejects.toBe(reason);
      await worker.multiply(randomTask({ m: 4, k: 4, n: 4 }), { signal: never });
      expect(started).toBe(false);
    });

    test("while running rejects at once, and the worker goes on with the next task", async () => {
      const worker = fresh();
      const abort = new AbortController();
      const product = worker.multiply(randomTask(long), {
        signal: abort.signal,
        onStarted: () => abort.abort(reason),
      });
      await expect(product).rejects.toBe(reason);

      const task = randomTask({ m: 30, k: 20, n: 10 });
      const next = await worker.multiply(task, { signal: never });
      expect(deviationOf(next, task)).toBeLessThanOrEqual(1);
    });

    test("some of many calls leaves the others alone", async () => {
      const worker = fresh();
      const tasks = Array.from({ length: 9 }, (_, i) => randomTask({ m: 40, k: 50, n: 60 }, i));
      const abort = new AbortController();
      const products = tasks.map((task, i) =>
        worker.multiply(task, { signal: i % 3 === 1 ? abort.signal : never }),
      );
      abort.abort(reason);
      for (const [i, outcome] of (await Promise.allSettled(products)).entries()) {
        if (i % 3 === 1) expect(outcome).toEqual({ status: "rejected", reason });
        else if (outcome.status === "rejected") throw outcome.reason;
        else expect(deviationOf(outcome.value, tasks[i]!)).toBeLessThanOrEqual(1);
      }
    });

    test("after the product is in changes nothing", async () => {
      const worker = fresh();
      const abort = new AbortController();
      const task = randomTask({ m: 12, k: 13, n: 14 });
      const product = await worker.multiply(task, { signal: abort.signal });
      abort.abort(reason);
      expect(deviationOf(product, task, worker)).toBeLessThanOrEqual(1);
      await worker.multiply(task, { signal: never });
    });

    test("leaves nothing behind", async () => {
      const worker = fresh();
      const task = randomTask({ m: 300, k: 300, n: 300 });
      await worker.multiply(task, { signal: never });
      const before = await held?.(worker);
      for (let i = 0; i < 10; i++) {
        const abort = new AbortController();
        const product = worker.multiply(task, {
          signal: abort.signal,
          onStarted: () => setTimeout(() => abort.abort(reason), i),
        });
        await product.catch((error) => expect(error).toBe(reason));
      }
      await worker.multiply(task, { signal: never });
      expect(await held?.(worker)).toBe(before);
    });
  });

  describe("disposal", () => {
    test("rejects what is pending with a ClosedError", async () => {
      const worker = create();
      const products = [0, 1, 2].map((i) =>
        worker.multiply(randomTask({ m: 400, k: 400, n: 400 }, i), { signal: never }),
      );
      const outcomes = Promise.allSettled(products);
      await worker[Symbol.asyncDispose]();
      for (const outcome of await outcomes) {
        expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(ClosedError) });
      }
    });

    test("may come before any product, and twice", async () => {
      const worker = create();
      await Promise.all([worker[Symbol.asyncDispose](), worker[Symbol.asyncDispose]()]);
      await worker[Symbol.asyncDispose]();
    });

    test("makes every later product reject with a ClosedError", async () => {
      const worker = create();
      await worker.multiply(randomTask({ m: 2, k: 2, n: 2 }), { signal: never });
      await worker[Symbol.asyncDispose]();
      const late = worker.multiply(randomTask({ m: 2, k: 2, n: 2 }), { signal: never });
      await expect(late).rejects.toThrow(ClosedError);
    });
  });
}
