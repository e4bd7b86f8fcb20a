import { describe, expect, test } from "vitest";
import { bilinearCode } from "../../src/codes/bilinear.ts";
import { polynomial } from "../../src/codes/polynomial.ts";
import { uncoded } from "../../src/codes/replication.ts";
import type { Code } from "../../src/core/code.ts";
import { gamma, UNIT_ROUNDOFF } from "../../src/core/float32.ts";
import { table } from "../../src/core/table.ts";
import { errorBound } from "../../src/runtime/error-bound.ts";
import { scriptedWorker } from "../support/inline-worker.ts";
import { runJob, trueError } from "../support/jobs.ts";

const shapeOf = (inner: number) => ({ rows: 1, inner, cols: 1 });
const boundOf = (code: Code, inner: number, roundings = inner) =>
  errorBound({
    code,
    plan: code.decodePlan(new Set(Array.from({ length: code.tasks }, (_, t) => t))),
    norms: {
      a: new Float64Array(code.encodePlan.a.cols).fill(1),
      b: new Float64Array(code.encodePlan.b.cols).fill(1),
    },
    shape: shapeOf(inner),
    roundings: () => roundings,
  });

describe("the error bound", () => {
  test("of one plain product is γ of the roundings that its worker promises", () => {
    const one = uncoded({ partition: { m: 1, k: 1, n: 1 } });
    for (const roundings of [1, 64, 5000]) {
      expect(boundOf(one, 5000, roundings) / gamma(roundings)).toBeCloseTo(1, 6);
    }
  });

  test("charges two roundings for a weight other than 1 in encoding A, B and decoding C", () => {
    const scaled = bilinearCode({
      name: "scaled",
      partition: { m: 1, k: 1, n: 1 },
      a: table(1, 1, () => 0.7),
      b: table(1, 1, () => 0.6),
    });
    // To first order: 2 + 2 for the operands, 4 for the product, 2 for the decoding.
    expect(boundOf(scaled, 4) / (10 * UNIT_ROUNDOFF)).toBeCloseTo(1, 5);
  });

  test("charges a sum of q blocks q + 1 roundings", () => {
    const sums = bilinearCode({
      name: "sums",
      partition: { m: 2, k: 1, n: 1 },
      a: table(2, 2, (t, i) => (t === 1 && i === 1 ? -1 : 1)),
      b: table(2, 1, () => 1),
    });
    // Ã is at most 2 large for blocks of norm 1, with 3 roundings; the product has 4; each C is half
    // the sum of two products, with 3 roundings. √2 of that for both blocks, over ‖A‖‖B‖ = √2.
    const each = 2 * (3 + 4 + 3) * UNIT_ROUNDOFF;
    expect(boundOf(sums, 4) / each).toBeCloseTo(1, 5);
  });

  test("is attained to within a few times by workers that round as badly as they may", async () => {
    const inner = 64;
    const code = polynomial({ partition: { m: 2, n: 2 }, tasks: 4 });
    const { tasks, c } = code.decodePlan(new Set([0, 1, 2, 3]));
    const worstRow = [0, 1, 2, 3].reduce((worst, r) => {
      const sum = (row: number) =>
        tasks.reduce((s, _, i) => s + Math.abs(c.weights[row * 4 + i]!), 0);
      return sum(r) > sum(worst) ? r : worst;
    }, 0);
    const ones = (rows: number, cols: number) => ({
      ...{ rows, cols, rowStride: cols },
      data: new Float32Array(rows * cols).fill(1),
    });
    const [a, b] = [ones(2, inner), ones(inner, 2)];
    const worker = scriptedWorker("w", async (task, _signal, honest) => {
      const product = honest();
      // As far off as γ_k|Ã||B̃| allows, always in the direction that hurts the worst block.
      const away = Math.sign(c.weights[worstRow * 4 + task.index]!) * gamma(inner);
      const size = Math.abs(task.a.data[0]! * task.b.data[0]!) * inner;
      product.data[0]! += away * size;
      return product;
    });
    const product = await runJob(a, b, { code, workers: [worker] });
    const error = trueError(a, b, product.c);
    expect(error).toBeLessThanOrEqual(product.error.bound);
    expect(error).toBeGreaterThan(product.error.bound / 20);
  });
});
