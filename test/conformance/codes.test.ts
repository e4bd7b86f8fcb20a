import { describe, expect, test } from "vitest";
import { bilinearCode } from "../../src/codes/bilinear.ts";
import { matdot } from "../../src/codes/matdot.ts";
import { polynomial } from "../../src/codes/polynomial.ts";
import { replication, uncoded } from "../../src/codes/replication.ts";
import { universalDecode } from "../../src/codes/universal-decoder.ts";
import type { Code } from "../../src/core/code.ts";
import { CodeParameterError } from "../../src/core/errors.ts";
import { seededRandom } from "../../src/core/random.ts";
import { table } from "../../src/core/table.ts";
import {
  combineBlocks,
  multiplyBlocks,
  norm64,
  randomBlocks,
  subsets,
  trueBlocks,
} from "../support/codes.ts";

/** One line a code, small enough that every subset of arrivals is tried. */
const codes: readonly Code[] = [
  uncoded({ partition: { m: 1, k: 1, n: 1 } }),
  uncoded({ partition: { m: 2, k: 2, n: 2 } }),
  uncoded({ partition: { m: 1, k: 3, n: 2 } }),
  replication({ partition: { m: 2, k: 1, n: 2 }, copies: 2 }),
  replication({ partition: { m: 1, k: 3, n: 1 }, copies: [3, 1, 2] }),
  matdot({ parts: 1, tasks: 3 }),
  matdot({ parts: 2, tasks: 6 }),
  matdot({ parts: 3, tasks: 8 }),
  matdot({ parts: 4, tasks: 9 }),
  matdot({ parts: 3, tasks: 7, points: "equispaced" }),
  matdot({ parts: 2, tasks: 5, points: "integers" }),
  polynomial({ partition: { m: 2, n: 2 }, tasks: 6 }),
  polynomial({ partition: { m: 3, n: 2 }, tasks: 9 }),
  polynomial({ partition: { m: 1, n: 4 }, tasks: 6, points: "equispaced" }),
  polynomial({
    partition: { m: 2, n: 3 },
    tasks: 10,
    points: [-1, -0.8, -0.5, -0.3, -0.1, 0.1, 0.3, 0.6, 0.8, 1],
  }),
  bilinearCode({
    name: "random",
    partition: { m: 2, k: 1, n: 2 },
    a: table(7, 2, (t, i) => Math.cos(3 * t + 5 * i + 1)),
    b: table(7, 2, (t, i) => Math.sin(7 * t + 2 * i + 1)),
  }),
  bilinearCode({
    name: "sums of row blocks",
    partition: { m: 2, k: 1, n: 1 },
    a: table(3, 2, (t, i) => (t === 2 || t === i ? 1 : 0)),
    b: table(3, 1, () => 1),
  }),
  bilinearCode({
    name: "never decodes",
    partition: { m: 2, k: 1, n: 1 },
    a: table(2, 2, (_, i) => i + 1),
    b: table(2, 1, (t) => t + 1),
  }),
];

const shape = { rows: 2, inner: 3, cols: 2 };
/** Fresh operands in every run; CODES_SEED repeats those of a run that failed. */
const seed = Number(process.env.CODES_SEED ?? Date.now());

describe.each(codes.map((code) => ({ name: code.name, code })))(
  `$name, seed ${seed}`,
  ({ code }) => {
    const { m, k, n } = code.partition;
    const random = seededRandom("codes", code.name, seed);
    const a = randomBlocks(m * k, shape.rows, shape.inner, random);
    const b = randomBlocks(k * n, shape.inner, shape.cols, random);
    const truth = trueBlocks(code, a, b);
    const coded = Array.from({ length: code.tasks }, (_, t) => {
      const left = combineBlocks(code.encodePlan.a, t, a, { rows: shape.rows, cols: shape.inner });
      const right = combineBlocks(code.encodePlan.b, t, b, { rows: shape.inner, cols: shape.cols });
      return { product: multiplyBlocks(left, right), size: norm64(left) * norm64(right) };
    });
    const normA = Math.hypot(...a.map(norm64));
    const normB = Math.hypot(...b.map(norm64));

    test("has one row a task and one column a block in each encode table", () => {
      const { a: tableA, b: tableB } = code.encodePlan;
      expect([tableA.rows, tableA.cols]).toEqual([code.tasks, m * k]);
      expect([tableB.rows, tableB.cols]).toEqual([code.tasks, k * n]);
      expect(tableA.weights).toHaveLength(code.tasks * m * k);
      expect(tableB.weights).toHaveLength(code.tasks * k * n);
    });

    test("decodes every subset of arrivals to within its misfit, and knows which are enough", () => {
      for (const received of subsets(code.tasks)) {
        const plan = code.decodePlan(received);
        expect(plan.c.rows).toBe(m * n);
        expect(plan.c.cols).toBe(plan.tasks.length);
        expect(plan.tasks.every((task) => received.has(task))).toBe(true);

        const products = plan.tasks.map((task) => coded[task]!.product);
        for (const [r, expected] of truth.entries()) {
          const decoded = combineBlocks(plan.c, r, products, {
            rows: shape.rows,
            cols: shape.cols,
          });
          const difference = decoded.data.map((value, e) => value - expected.data[e]!);
          // Sums of at most 16 float64 terms on either side, each as large as its weight makes it.
          const rounding = plan.tasks.reduce(
            (sum, task, s) =>
              sum + Math.abs(plan.c.weights[r * plan.tasks.length + s]!) * coded[task]!.size,
            normA * normB,
          );
          const bound = plan.misfit[r]! * normA * normB + 64 * Number.EPSILON * rounding;
          expect(Math.hypot(...difference)).toBeLessThanOrEqual(bound);
        }

        const within = plan.misfit.every((value) => value <= code.tolerance * Math.sqrt(k));
        expect(code.canDecode(received), `${[...received]}`).toBe(within);
      }
    });

    test("decodes from any recoveryThreshold products, and not from every set of one less", () => {
      const sizes = [...subsets(code.tasks)].map((received) => ({
        size: received.size,
        decodes: code.canDecode(received),
      }));
      const undecodable = sizes.filter(({ decodes }) => !decodes).map(({ size }) => size);
      const largest = Math.max(...undecodable);
      const threshold = largest === code.tasks ? Number.POSITIVE_INFINITY : largest + 1;
      expect(code.recoveryThreshold).toBe(threshold);
    });

    test("reports a misfit of the whole target where nothing has arrived", () => {
      const plan = code.decodePlan(new Set());
      expect([...plan.misfit]).toEqual(Array(m * n).fill(Math.sqrt(k)));
      expect(plan.tasks).toEqual([]);
      expect(plan.amplification).toBe(0);
    });

    test("publishes the largest Σ|weight| as its amplification", () => {
      const plan = code.decodePlan(new Set(coded.keys()));
      const sums = Array.from({ length: m * n }, (_, r) =>
        plan.c.weights
          .subarray(r * plan.c.cols, (r + 1) * plan.c.cols)
          .reduce((sum, weight) => sum + Math.abs(weight), 0),
      );
      expect(plan.amplification).toBe(Math.max(...sums));
    });

    test("is as good as the universal decoder where it has one of its own", () => {
      for (const received of subsets(code.tasks)) {
        const own = code.decodePlan(received);
        const universal = universalDecode(code, received);
        for (const [r, misfit] of own.misfit.entries()) {
          expect(misfit).toBeLessThanOrEqual(universal.misfit[r]! + code.tolerance);
        }
      }
    });

    test("refuses indices that are no tasks", () => {
      for (const bad of [-1, code.tasks, 0.5]) {
        expect(() => code.canDecode(new Set([bad]))).toThrow(CodeParameterError);
        expect(() => code.decodePlan(new Set([bad]))).toThrow(CodeParameterError);
      }
    });
  },
);
