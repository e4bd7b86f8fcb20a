import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bilinearCode } from "../../src/codes/bilinear.ts";
import { matdot } from "../../src/codes/matdot.ts";
import { polynomial } from "../../src/codes/polynomial.ts";
import { replication, uncoded } from "../../src/codes/replication.ts";
import type { Code } from "../../src/core/code.ts";
import type { Matrix } from "../../src/core/matrix.ts";
import { seededRandom } from "../../src/core/random.ts";
import { table } from "../../src/core/table.ts";
import { inlineWorker, scriptedWorker } from "../support/inline-worker.ts";
import { runJob, trueError } from "../support/jobs.ts";
import { randomMatrix, withRowStride } from "../support/matrices.ts";
import { VirtualClock } from "../support/virtual-clock.ts";

/** 1 … 70, primes and the edges of tiles among them. */
const dimension = fc.oneof(
  fc.integer({ min: 1, max: 70 }),
  fc.constantFrom(1, 2, 3, 5, 7, 13, 16, 17, 31, 32, 33, 61, 64, 67),
);
const part = fc.integer({ min: 1, max: 4 });
const partition = fc.record({ m: part, k: part, n: part });
const spare = fc.integer({ min: 0, max: 3 });

const code: fc.Arbitrary<Code> = fc.oneof(
  partition.map((cut) => uncoded({ partition: cut })),
  fc
    .tuple(partition, fc.integer({ min: 1, max: 3 }))
    .map(([cut, copies]) => replication({ partition: cut, copies })),
  fc.tuple(part, spare).map(([parts, more]) => matdot({ parts, tasks: 2 * parts - 1 + more })),
  fc
    .tuple(part, part, spare)
    .map(([m, n, more]) => polynomial({ partition: { m, n }, tasks: m * n + more })),
  fc.tuple(fc.record({ m: part, n: part }), spare, fc.integer()).map(([cut, more, seed]) => {
    const random = seededRandom("khatri-rao", seed);
    const tasks = cut.m * cut.n + more;
    return bilinearCode({
      name: "random",
      partition: { ...cut, k: 1 },
      a: table(tasks, cut.m, () => 2 * random() - 1),
      b: table(tasks, cut.n, () => 2 * random() - 1),
    });
  }),
);

const job = fc.record({
  code,
  rows: dimension,
  inner: dimension,
  cols: dimension,
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
});

/** Every worker takes its own random time for each task, so the arrivals come in random order. */
function racingWorkers(count: number, clock: VirtualClock, seed: number) {
  return Array.from({ length: count }, (_, w) => {
    const random = seededRandom("order", seed, w);
    return scriptedWorker(`w${w}`, async (_task, signal, honest) => {
      await clock.sleep(1 + 100 * random(), signal);
      return honest();
    });
  });
}

describe("multiply", () => {
  test("is within its own bound of the true product, whatever shape, code and arrivals", async () => {
    await fc.assert(
      fc.asyncProperty(job, fc.integer({ min: 0, max: 9 }), async (given, extraStride) => {
        const { rows, inner, cols, seed } = given;
        const clock = new VirtualClock();
        const a = withRowStride(randomMatrix(rows, inner, seed), inner + extraStride);
        const b = randomMatrix(inner, cols, seed, "b");
        const product = await runJob(a, b, {
          code: given.code,
          clock,
          workers: racingWorkers(given.code.tasks, clock, seed),
        });
        expect(product.complete).toBe(true);
        expect([product.c.rows, product.c.cols]).toEqual([rows, cols]);
        expect(trueError(a, b, product.c)).toBeLessThanOrEqual(product.error.bound);
        // Decoded: rounding alone is left to account for the error.
        const { misfit } = given.code.decodePlan(new Set(product.used));
        const allowed = given.code.tolerance * Math.sqrt(given.code.partition.k);
        expect(Math.max(...misfit)).toBeLessThanOrEqual(allowed);
      }),
      { numRuns: 150 },
    );
  });

  test("at a deadline, with too few products, is within its bound and says that it is incomplete", async () => {
    await fc.assert(
      fc.asyncProperty(job, fc.double({ min: 0, max: 1, noNaN: true }), async (given, share) => {
        const { rows, inner, cols, seed } = given;
        const clock = new VirtualClock();
        const a = randomMatrix(rows, inner, seed);
        const b = randomMatrix(inner, cols, seed, "b");
        const answering = new Set<number>();
        const random = seededRandom("answering", seed);
        for (let t = 0; t < given.code.tasks; t++) if (random() < share) answering.add(t);
        const workers = Array.from({ length: given.code.tasks }, (_, w) =>
          scriptedWorker(`w${w}`, async (task, signal, honest) => {
            if (!answering.has(task.index)) await clock.sleep(1e6, signal);
            return honest();
          }),
        );
        const product = await runJob(a, b, { code: given.code, clock, workers, deadlineMs: 50 });
        const decodable = given.code.canDecode(answering);
        expect(product.complete).toBe(decodable);
        expect(trueError(a, b, product.c)).toBeLessThanOrEqual(product.error.bound);
        if (!decodable) {
          expect(product.decodedAtMs).toBe(50);
          const misfit = given.code.decodePlan(answering).misfit;
          expect(Math.max(...misfit)).toBeGreaterThan(given.code.tolerance);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("is within its bound where products underflow and a device flushes what is not normal", async () => {
    const flush = (x: number) => (Math.abs(x) < 2 ** -126 ? 0 : Math.fround(x));
    const flushing = (id: string) =>
      scriptedWorker(id, async ({ a, b }) => {
        const c = new Float32Array(a.rows * b.cols);
        for (let i = 0; i < a.rows; i++) {
          for (let j = 0; j < b.cols; j++) {
            let sum = 0;
            for (let l = 0; l < a.cols; l++) {
              const [x, y] = [a.data[i * a.rowStride + l]!, b.data[l * b.rowStride + j]!];
              sum = flush(sum + flush(flush(x) * flush(y)));
            }
            c[i * b.cols + j] = sum;
          }
        }
        return { rows: a.rows, cols: b.cols, rowStride: b.cols, data: c };
      });
    for (const [sizeA, sizeB] of [
      [1e-22, 1e-20],
      [1e-30, 1e-30],
      [1e30, 1e-39],
      [1e-45, 1e38],
    ] as const) {
      const scaled = (matrix: Matrix, size: number) => ({
        ...matrix,
        data: matrix.data.map((value) => value * size),
      });
      const a = scaled(randomMatrix(9, 12, "tiny"), sizeA);
      const b = scaled(randomMatrix(12, 7, "tiny", "b"), sizeB);
      for (const given of [
        uncoded({ partition: { m: 2, k: 1, n: 2 } }),
        polynomial({ partition: { m: 2, n: 2 }, tasks: 6 }),
        matdot({ parts: 2, tasks: 5 }),
      ]) {
        const workers = [0, 1, 2].map((w) => flushing(`w${w}`));
        const product = await runJob(a, b, { code: given, workers, verify: true });
        expect(trueError(a, b, product.c)).toBeLessThanOrEqual(product.error.bound);
        expect(product.error.consistent).toBe(true);
        expect(product.failures).toEqual([]);
      }
    }
  });

  test("measures a residual close to the true error", async () => {
    // ‖Er‖² over two uniform probes has a relative variance of at most 1 (for an E of rank
    // one), so over many jobs the mean square of residual/true error is close to 1.
    let ratios = 0;
    const jobs = 60;
    for (let seed = 0; seed < jobs; seed++) {
      const a = randomMatrix(23, 31, seed);
      const b = randomMatrix(31, 19, seed, "b");
      const clock = new VirtualClock();
      const product = await runJob(a, b, {
        code: matdot({ parts: 3, tasks: 6 }),
        seed,
        clock,
        workers: racingWorkers(6, clock, seed),
      });
      ratios += (product.error.residual / trueError(a, b, product.c)) ** 2;
    }
    // Mean 1, standard deviation at most 1/√jobs: five of those either way.
    expect(Math.abs(ratios / jobs - 1)).toBeLessThan(5 / Math.sqrt(jobs));
  });

  test("gives the exact product where float32 holds it", async () => {
    const a = randomMatrix(5, 7, 1);
    const b = randomMatrix(7, 3, 2);
    a.data.forEach((_, i) => {
      a.data[i] = (i % 9) - 4;
    });
    b.data.forEach((_, i) => {
      b.data[i] = (i % 7) - 3;
    });
    const product = await runJob(a, b, {
      code: uncoded({ partition: { m: 2, k: 2, n: 2 } }),
      workers: [inlineWorker("w")],
    });
    expect(trueError(a, b, product.c)).toBe(0);
    expect(product.error.residual).toBeLessThan(1e-15); // float64 probes
  });

  test("predicts the error to within the factors that the error model promises", async () => {
    for (const given of [
      matdot({ parts: 3, tasks: 7 }),
      matdot({ parts: 4, tasks: 10 }),
      polynomial({ partition: { m: 3, n: 3 }, tasks: 12 }),
    ]) {
      for (const inner of [96, 1024]) {
        const a = randomMatrix(48, inner, given.name);
        const b = randomMatrix(inner, 48, given.name, "b");
        const clock = new VirtualClock();
        const product = await runJob(a, b, {
          code: given,
          clock,
          workers: racingWorkers(given.tasks, clock, 7),
        });
        // Relative to ‖C‖_F, which for uncorrelated data is ‖A‖‖B‖/√inner.
        const measured = trueError(a, b, product.c) * Math.sqrt(inner);
        expect(product.error.predicted / measured).toBeGreaterThan(1 / 2);
        expect(product.error.predicted / measured).toBeLessThan(3);
      }
    }
  });
});
