import { describe, expect, test } from "vitest";
import type { Matrix } from "../../src/core/matrix.ts";
import { type Random, seededRandom } from "../../src/core/random.ts";
import type { Task } from "../../src/core/worker.ts";
import { freivalds } from "../../src/runtime/freivalds.ts";
import { float32Product } from "../support/inline-worker.ts";
import { randomMatrix, withRowStride } from "../support/matrices.ts";

const check = (task: Task, product: Matrix, random: Random) =>
  freivalds(task, product, { roundings: task.a.cols, random });

describe("freivalds", () => {
  test("never accuses an honest float32 product, in 1000 of them", () => {
    const random = seededRandom("honest");
    for (let seed = 0; seed < 1000; seed++) {
      const inner = 1 + Math.floor(300 * random());
      const task = {
        index: 0,
        a: randomMatrix(1 + (seed % 7), inner, seed),
        b: randomMatrix(inner, 1 + (seed % 11), seed, "b"),
      };
      expect(check(task, float32Product(task), random).passed).toBe(true);
    }
  });

  test("finds one entry that is off by a hundredth of the product's typical size", () => {
    const random = seededRandom("liar");
    const inner = 256;
    let found = 0;
    for (let seed = 0; seed < 100; seed++) {
      const task = {
        index: 0,
        a: randomMatrix(32, inner, seed),
        b: randomMatrix(inner, 32, seed, "b"),
      };
      const product = float32Product(task);
      const row = Math.floor(32 * random());
      product.data[row * 32 + Math.floor(32 * random())]! += 1e-2 * Math.sqrt(inner);
      const outcome = check(task, product, random);
      if (!outcome.passed && outcome.row === row) found++;
    }
    expect(found).toBeGreaterThanOrEqual(99);
  });

  test("is not fooled by errors that cancel for ±1, by NaN, or by another task's product", () => {
    const random = seededRandom("fooled");
    const task = { index: 0, a: randomMatrix(8, 16, 1), b: randomMatrix(16, 8, 2) };
    const cancelling = float32Product(task);
    cancelling.data[0]! += 1;
    cancelling.data[1]! -= 1;
    expect(check(task, cancelling, random).passed).toBe(false);
    const nan = float32Product(task);
    nan.data[60] = Number.NaN;
    expect(check(task, nan, random).passed).toBe(false);
    const other = float32Product({ a: randomMatrix(8, 16, 3), b: task.b });
    expect(check(task, other, random).passed).toBe(false);
  });

  test("never accuses sums of equal terms, whose roundings all go the same way", () => {
    const random = seededRandom("equal");
    for (const value of [0.3, 1 / 3, 0.7]) {
      const inner = 100_000;
      const constant = (rows: number, cols: number): Matrix => ({
        ...{ rows, cols, rowStride: cols },
        data: new Float32Array(rows * cols).fill(value),
      });
      const task = { index: 0, a: constant(3, inner), b: constant(inner, 2) };
      const product = float32Product(task);
      expect(check(task, product, random).passed).toBe(true);
      product.data[4]! *= 1.01;
      expect(check(task, product, random)).toMatchObject({ passed: false, row: 2 });
    }
  });

  test("reads operands and products of any row stride", () => {
    const random = seededRandom("strides");
    const a = withRowStride(randomMatrix(6, 9, 1), 13); // gaps hold NaN
    const b = withRowStride(randomMatrix(9, 5, 2), 8);
    const task = { index: 0, a, b };
    const product = withRowStride(float32Product(task), 7);
    expect(check(task, product, random).passed).toBe(true);
    product.data[3 * 7 + 2]! += 0.1;
    expect(check(task, product, random)).toMatchObject({ passed: false, row: 3 });
  });

  test("does not mistake flushed underflow for a lie", () => {
    const tiny = randomMatrix(4, 4, 5);
    for (let i = 0; i < 16; i++) tiny.data[i]! *= 1e-22;
    const task = { index: 0, a: tiny, b: tiny };
    const flushed = { rows: 4, cols: 4, rowStride: 4, data: new Float32Array(16) };
    expect(check(task, flushed, seededRandom("tiny")).passed).toBe(true);
  });
});
