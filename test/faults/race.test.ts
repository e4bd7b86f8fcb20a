import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matdot } from "../../src/codes/matdot.ts";
import { polynomial } from "../../src/codes/polynomial.ts";
import { replication, uncoded } from "../../src/codes/replication.ts";
import { DeviceLostError, UndecodableError, WrongProductError } from "../../src/core/errors.ts";
import type { Matrix } from "../../src/core/matrix.ts";
import type { TaskEvent } from "../../src/core/product.ts";
import type { ComputeWorker } from "../../src/core/worker.ts";
import { scriptedWorker } from "../support/inline-worker.ts";
import { runJob, trueError } from "../support/jobs.ts";
import { randomMatrix } from "../support/matrices.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

const a = randomMatrix(11, 13, "a");
const b = randomMatrix(13, 7, "b");

/** What one worker does with one task. */
const behaviours = {
  honest: async (clock: VirtualClock, signal: AbortSignal, honest: () => Matrix) => {
    await clock.sleep(10, signal);
    return honest();
  },
  slow: async (clock: VirtualClock, signal: AbortSignal, honest: () => Matrix) => {
    await clock.sleep(400, signal);
    return honest();
  },
  deaf: async (clock: VirtualClock, _signal: AbortSignal, honest: () => Matrix) => {
    await clock.sleep(400);
    return honest();
  },
  silent: () => new Promise<Matrix>(() => {}),
  fails: async (clock: VirtualClock, signal: AbortSignal) => {
    await clock.sleep(5, signal);
    throw new DeviceLostError("the device is gone");
  },
  "fails at once": async () => {
    throw new Error("no");
  },
  throws: () => {
    throw new TypeError("not even a promise");
  },
  "rejects with nothing": () => Promise.reject(undefined),
  "fails when aborted, late": async (clock: VirtualClock) => {
    await clock.sleep(300);
    throw new Error("too late to matter");
  },
  "other shape": async (_clock: VirtualClock, _signal: AbortSignal, honest: () => Matrix) => {
    const product = honest();
    return { ...product, rows: product.rows - 1 };
  },
  "no matrix": async () => null as unknown as Matrix,
  NaN: async (_clock: VirtualClock, _signal: AbortSignal, honest: () => Matrix) => {
    const product = honest();
    product.data[product.data.length - 1] = Number.NaN;
    return product;
  },
  lies: async (_clock: VirtualClock, _signal: AbortSignal, honest: () => Matrix) => {
    const product = honest();
    product.data[0]! += 1;
    return product;
  },
} satisfies Record<
  string,
  (clock: VirtualClock, signal: AbortSignal, honest: () => Matrix) => Promise<Matrix>
>;
type Behaviour = keyof typeof behaviours;
const good: readonly Behaviour[] = ["honest", "slow", "deaf"];

function actors(clock: VirtualClock, scripts: readonly (readonly Behaviour[])[]): ComputeWorker[] {
  return scripts.map((script, w) => {
    let turn = 0;
    return scriptedWorker(`w${w}`, (_task, signal, honest) => {
      const behaviour = script[Math.min(turn++, script.length - 1)]!;
      return behaviours[behaviour](clock, signal, honest);
    });
  });
}

const code = fc.constantFrom(
  uncoded({ partition: { m: 2, k: 1, n: 2 } }),
  replication({ partition: { m: 2, k: 1, n: 2 }, copies: 2 }),
  matdot({ parts: 2, tasks: 6 }),
  polynomial({ partition: { m: 2, n: 2 }, tasks: 7 }),
);
const script = fc.array(fc.constantFrom(...(Object.keys(behaviours) as Behaviour[])), {
  minLength: 1,
  maxLength: 4,
});

describe("a job with faulty workers", () => {
  test("ends with the right product, or says what failed, or ends at its deadline", async () => {
    await fc.assert(
      fc.asyncProperty(
        code,
        fc.array(script, { minLength: 1, maxLength: 8 }),
        fc.boolean(),
        async (given, scripts, hasDeadline) => {
          const clock = new VirtualClock();
          const hangs = scripts.flat().includes("silent");
          const deadlineMs = hasDeadline || hangs ? 2_000 : undefined;
          const workers = actors(clock, scripts);
          const job = runJob(a, b, {
            code: given,
            clock,
            workers,
            verify: true,
            ...(deadlineMs !== undefined && { deadlineMs }),
          });
          const [outcome] = await Promise.allSettled([job]);
          if (outcome.status === "rejected") {
            expect(outcome.reason).toBeInstanceOf(UndecodableError);
            const { received, failures } = outcome.reason as UndecodableError;
            expect(given.canDecode(new Set(received))).toBe(false);
            expect(failures.length).toBeGreaterThan(0);
            return;
          }
          const product = outcome.value;
          expect(trueError(a, b, product.c)).toBeLessThanOrEqual(product.error.bound);
          if (!product.complete) expect(product.decodedAtMs).toBe(deadlineMs);
          const accounted = [...product.used, ...product.failures.map(({ task }) => task)];
          expect(new Set(accounted).size).toBe(accounted.length);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("succeeds whenever enough workers are good, whatever the others do", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(Object.keys(behaviours) as Behaviour[], { minLength: 2, maxLength: 2 }),
        fc.shuffledSubarray([0, 1, 2, 3, 4, 5], { minLength: 4, maxLength: 4 }),
        async (bad, goodOnes) => {
          const clock = new VirtualClock();
          const scripts = Array.from({ length: 6 }, (_, w): Behaviour[] =>
            goodOnes.includes(w) ? [good[w % good.length]!] : [bad.pop()!],
          );
          const product = await runJob(a, b, {
            code: polynomial({ partition: { m: 2, n: 2 }, tasks: 6 }),
            clock,
            workers: actors(clock, scripts),
            verify: true,
          });
          expect(product.complete).toBe(true);
          expect(trueError(a, b, product.c)).toBeLessThanOrEqual(product.error.bound);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("names every failed task and its reason when C cannot be decoded", async () => {
    const clock = new VirtualClock();
    const job = runJob(a, b, {
      code: matdot({ parts: 2, tasks: 4, points: [-0.9, -0.4, 0.2, 0.7] }),
      clock,
      workers: actors(clock, [["honest"], ["fails"], ["lies"]]),
      verify: true,
    });
    const error: UndecodableError = await job.then(
      () => expect.unreachable("it cannot be decoded"),
      (reason: unknown) => reason as UndecodableError,
    );
    // The honest worker takes task 3 as well, so two products are in and two tasks have failed.
    expect(error).toMatchObject({ code: "ERR_UNDECODABLE", recoveryThreshold: 3 });
    expect(error.received).toEqual([0, 3]);
    expect(new Set(error.failures.map(({ task }) => task))).toEqual(new Set([1, 2]));
    expect(error.message).toContain("task 1: the device is gone");
    expect(error.message).toContain("task 2: the product fails its check");
    const reasons = (error.cause as AggregateError).errors;
    expect(reasons.some((reason) => reason instanceof DeviceLostError)).toBe(true);
    expect(reasons.some((reason) => reason instanceof WrongProductError)).toBe(true);
  });

  test("does not let a worker that fails at once devour the tasks of the others", async () => {
    const clock = new VirtualClock();
    const product = await runJob(a, b, {
      code: matdot({ parts: 2, tasks: 12 }),
      clock,
      workers: actors(clock, [["fails at once"], ["honest"]]),
    });
    expect(product.failures.length).toBeLessThanOrEqual(3);
    expect(product.used).toHaveLength(3);
  });

  test("keeps a worker that fails twice and then delivers, again and again", async () => {
    const clock = new VirtualClock();
    const turn: Behaviour[] = ["fails", "fails", "honest"];
    const product = await runJob(a, b, {
      code: matdot({ parts: 2, tasks: 9 }),
      clock,
      workers: actors(clock, [[...turn, ...turn, ...turn]]),
    });
    expect(product.used).toEqual([2, 5, 8]);
    expect(product.failures).toHaveLength(6);
  });

  test("lists the tasks it used in the order in which they arrived", async () => {
    const clock = new VirtualClock();
    const workers = [30, 10, 20].map((takesMs, w) =>
      scriptedWorker(`w${w}`, async (_task, signal, honest) => {
        await clock.sleep(takesMs, signal);
        return honest();
      }),
    );
    const code = matdot({ parts: 2, tasks: 3 });
    expect((await runJob(a, b, { code, clock, workers })).used).toEqual([1, 2, 0]);
  });

  test("gives up when every worker has failed for good, instead of waiting", async () => {
    const clock = new VirtualClock();
    const job = runJob(a, b, {
      code: matdot({ parts: 2, tasks: 50 }),
      clock,
      workers: actors(clock, [["fails at once"], ["throws"]]),
    });
    await expect(job).rejects.toBeInstanceOf(UndecodableError);
  });

  test("aborts the stragglers with the signal that each worker was given", async () => {
    const clock = new VirtualClock();
    const reasons: unknown[] = [];
    const workers = Array.from({ length: 6 }, (_, w) =>
      scriptedWorker(`w${w}`, async (_task, signal, honest) => {
        signal.addEventListener("abort", () => reasons.push(signal.reason));
        await clock.sleep(w < 4 ? 10 + w : 1e6, signal);
        return honest();
      }),
    );
    const events: TaskEvent[] = [];
    const product = await runJob(a, b, {
      code: polynomial({ partition: { m: 2, n: 2 }, tasks: 6 }),
      clock,
      workers,
      onProgress: ({ event }) => event && events.push(event),
    });
    expect(product.used).toEqual([0, 1, 2, 3]);
    expect(product.stragglers).toEqual([4, 5]);
    expect(product.decodedAtMs).toBe(13);
    expect(reasons.filter((reason) => (reason as Error).name === "AbortError").length).toBe(6);
    expect(events).toEqual(product.timeline);
    expect(
      product.timeline.filter(({ kind }) => kind === "aborted").map(({ task }) => task),
    ).toEqual([4, 5]);
  });

  test("stops at the first product that brings the bound below the tolerance", async () => {
    const clock = new VirtualClock();
    const zeroRows = { ...a, data: a.data.map((value, i) => (i < 13 * 6 ? value : value * 1e-6)) };
    const workers = Array.from({ length: 2 }, (_, w) =>
      scriptedWorker(`w${w}`, async (task, signal, honest) => {
        await clock.sleep(task.index === 0 ? 10 : 1e6, signal);
        return honest();
      }),
    );
    const product = await runJob(zeroRows, b, {
      code: uncoded({ partition: { m: 2, k: 1, n: 1 } }),
      clock,
      workers,
      tolerance: 1e-4,
    });
    expect(product.used).toEqual([0]);
    expect(product.error.bound).toBeLessThanOrEqual(1e-4);
    expect(trueError(zeroRows, b, product.c)).toBeLessThanOrEqual(product.error.bound);
  });
});

describe("cancelling", () => {
  const points = ["before", "while encoding", "while running", "between arrivals"] as const;
  test.each(points)("%s rejects with the caller's own reason", async (point) => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const abort = () => controller.abort(reason);
    const workers = Array.from({ length: 3 }, (_, w) =>
      scriptedWorker(`w${w}`, async (_task, signal, honest) => {
        if (point === "while running") abort();
        await clock.sleep(10 * (w + 1), signal);
        return honest();
      }),
    );
    if (point === "before") abort();
    const job = runJob(a, b, {
      code: matdot({ parts: 2, tasks: 3 }),
      clock,
      workers,
      signal: controller.signal,
      onProgress: ({ phase, event }) => {
        if (point === "while encoding" && phase === "encode") abort();
        if (point === "between arrivals" && event?.kind === "finished") abort();
      },
    });
    await expect(job).rejects.toBe(reason);
  });

  test.each(["sent", "started", "finished", "failed", "aborted"])(
    "an onProgress that throws when a task is %s rejects with what it threw, and stops the workers",
    async (kind) => {
      const clock = new VirtualClock();
      const workers = actors(clock, [["fails", "honest"], ["honest"], ["slow"], ["slow"]]);
      const reason = new Error("listener");
      const job = runJob(a, b, {
        code: matdot({ parts: 2, tasks: 6 }),
        clock,
        workers,
        onProgress: ({ event }) => {
          if (event?.kind === kind) throw reason;
        },
      });
      await expect(job).rejects.toBe(reason);
    },
  );
});
