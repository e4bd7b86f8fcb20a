import { describe, expect, test } from "vitest";
import { matdot } from "../../src/codes/matdot.ts";
import { uncoded } from "../../src/codes/replication.ts";
import { InputError, UndecodableError } from "../../src/core/errors.ts";
import { faulty, WorkerDiedError } from "../../src/runtime/faulty.ts";
import type { StragglerModel } from "../../src/runtime/straggler-model.ts";
import { inlineWorker } from "../support/inline-worker.ts";
import { runJob, trueError } from "../support/jobs.ts";
import { randomMatrix } from "../support/matrices.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const task = { index: 3, a: randomMatrix(4, 5, 1), b: randomMatrix(5, 2, 2) };
const never = new AbortController().signal;

/** How long one task takes on a worker with this model, in virtual ms. */
async function delays(model: StragglerModel, count: number, id = "w"): Promise<number[]> {
  const clock = new VirtualClock();
  const worker = faulty(inlineWorker(id, { clock }), model, { clock });
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const before = clock.now();
    await clock.drive(worker.multiply({ ...task, index: i }, { signal: never }));
    taken.push(clock.now() - before);
    expect(worker.injected.get(i)).toEqual({ delayMs: expect.closeTo(taken[i]!, 6), wrong: false });
  }
  return taken;
}

const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length;

describe("faulty", () => {
  const draws = 4000;

  test("exponential delays have the mean that was asked for", async () => {
    const taken = await delays({ kind: "exponential", meanMs: 200, seed: 1 }, draws);
    // The mean of n draws has a standard deviation of mean/√n: five of those.
    expect(Math.abs(mean(taken) - 200)).toBeLessThan((5 * 200) / Math.sqrt(draws));
  });

  test("shifted exponential delays are never below the shift", async () => {
    const taken = await delays({ kind: "shifted-exponential", shiftMs: 50, meanMs: 20 }, draws);
    expect(Math.min(...taken)).toBeGreaterThanOrEqual(50 - 1e-9);
    expect(Math.abs(mean(taken) - 70)).toBeLessThan((5 * 20) / Math.sqrt(draws));
  });

  test("Pareto delays have the tail that was asked for", async () => {
    const taken = await delays({ kind: "pareto", scaleMs: 10, shape: 1.5 }, draws);
    expect(Math.min(...taken)).toBeGreaterThanOrEqual(10 - 1e-9);
    for (const x of [15, 40]) {
      const p = (10 / x) ** 1.5;
      const above = taken.filter((value) => value > x).length / draws;
      expect(Math.abs(above - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / draws));
    }
  });

  test("a constant delay is that", async () => {
    expect(await delays({ kind: "constant", delayMs: 30 }, 3)).toEqual([30, 30, 30]);
  });

  test("the same seed and worker give the same delays; another of either does not", async () => {
    const model = { kind: "exponential", meanMs: 100, seed: 7 } as const;
    const first = await delays(model, 5);
    expect(await delays(model, 5)).toEqual(first);
    expect(await delays({ ...model, seed: 8 }, 5)).not.toEqual(first);
    expect(await delays(model, 5, "other")).not.toEqual(first);
  });

  test("a silent worker answers nothing but an abort", async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const worker = faulty(inlineWorker("w", { clock }), { kind: "silent" }, { clock });
    const product = worker.multiply(task, { signal: controller.signal });
    const hung = await clock.drive(Promise.race([product, clock.sleep(1e9)]));
    expect(hung).toBeUndefined();
    controller.abort("enough");
    await expect(product).rejects.toBe("enough");
  });

  test("a dying worker loses what it holds and refuses what comes later", async () => {
    const clock = new VirtualClock();
    const worker = faulty(
      inlineWorker("w", { clock, takesMs: 100 }),
      { kind: "dies", afterMs: 150 },
      { clock },
    );
    await clock.drive(worker.multiply(task, { signal: never }));
    expect(clock.now()).toBe(100);
    await expect(clock.drive(worker.multiply(task, { signal: never }))).rejects.toBeInstanceOf(
      WorkerDiedError,
    );
    expect(clock.now()).toBe(150);
    await expect(worker.multiply(task, { signal: never })).rejects.toThrow("worker w died 150 ms");
  });

  test("a worker that dies is survived by a code with one task to spare, and not by none", async () => {
    const a = randomMatrix(9, 9, 1);
    const b = randomMatrix(9, 9, 2);
    const team = (clock: VirtualClock) =>
      [0, 1, 2, 3].map((w) => {
        const worker = inlineWorker(`w${w}`, { clock, takesMs: 100 });
        return w === 2 ? faulty(worker, { kind: "dies", afterMs: 20 }, { clock }) : worker;
      });
    const clock = new VirtualClock();
    const product = await runJob(a, b, {
      code: matdot({ parts: 2, tasks: 4 }),
      clock,
      workers: team(clock),
    });
    expect(product.failures).toMatchObject([{ task: 2, reason: { name: "WorkerDiedError" } }]);
    expect(trueError(a, b, product.c)).toBeLessThanOrEqual(product.error.bound);

    const other = new VirtualClock();
    const uncodedJob = runJob(a, b, {
      code: uncoded({ partition: { m: 4, k: 1, n: 1 } }),
      clock: other,
      workers: team(other),
    });
    await expect(uncodedJob).rejects.toBeInstanceOf(UndecodableError);
  });

  test("a lying worker is found out by verification, and only by it", async () => {
    const a = randomMatrix(9, 9, 1);
    const b = randomMatrix(9, 9, 2);
    for (const verify of [false, true]) {
      const clock = new VirtualClock();
      const product = await runJob(a, b, {
        code: matdot({ parts: 2, tasks: 6 }),
        clock,
        verify,
        workers: [0, 1, 2, 3, 4, 5].map((w) => {
          const worker = inlineWorker(`w${w}`, { clock, takesMs: 10 + w });
          return w < 2 ? faulty(worker, { kind: "wrong" }, { clock }) : worker;
        }),
      });
      const right = trueError(a, b, product.c) <= product.error.bound;
      expect(right).toBe(verify);
      // Either way the residual tells.
      expect(product.error.residual > product.error.bound).toBe(!verify);
      expect(product.error.consistent).toBe(verify);
      expect(product.failures.map(({ task: failed }) => failed)).toEqual(verify ? [0, 1] : []);
    }
  });

  test("models stack, and disposing of the outermost disposes of the worker", async () => {
    const clock = new VirtualClock();
    const inner = inlineWorker("w", { clock, takesMs: 5 });
    const slow = faulty(inner, { kind: "constant", delayMs: 10 }, { clock });
    await using worker = faulty(slow, { kind: "constant", delayMs: 20 }, { clock });
    await clock.drive(worker.multiply(task, { signal: never }));
    expect(clock.now()).toBe(35);
    await worker[Symbol.asyncDispose]();
    expect(inner.disposals).toBe(1);
  });

  test.each([
    [{ kind: "exponential", meanMs: -1 }, "meanMs must be"],
    [{ kind: "exponential", meanMs: Number.NaN }, "meanMs must be"],
    [{ kind: "shifted-exponential", shiftMs: -1, meanMs: 1 }, "shiftMs must be"],
    [{ kind: "pareto", scaleMs: 0, shape: 1 }, "scaleMs must be"],
    [{ kind: "pareto", scaleMs: 1, shape: 0 }, "shape must be"],
    [{ kind: "constant", delayMs: Number.POSITIVE_INFINITY }, "delayMs must be"],
    [{ kind: "dies", afterMs: -5 }, "afterMs must be"],
    [{ kind: "wrong", probability: 1.5 }, "probability must be"],
    [{ kind: "exponential", meanMs: 1, seed: Number.NaN }, "seed must be"],
    [{ kind: "sleepy" }, "model.kind must be"],
  ] as [StragglerModel, string][])("refuses %o", (model, message) => {
    expect(() => faulty(inlineWorker("w"), model)).toThrow(InputError);
    expect(() => faulty(inlineWorker("w"), model)).toThrow(message);
  });
});
