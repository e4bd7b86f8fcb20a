import { describe, expect, test } from "vitest";
import { bilinearCode } from "../../src/codes/bilinear.ts";
import { matdot } from "../../src/codes/matdot.ts";
import { polynomial } from "../../src/codes/polynomial.ts";
import { provenRecoveryThreshold } from "../../src/codes/recovery-threshold.ts";
import { replication, uncoded } from "../../src/codes/replication.ts";
import { CodeParameterError } from "../../src/core/errors.ts";
import { table, tableRow } from "../../src/core/table.ts";

const square = { m: 2, k: 1, n: 2 };

describe("parameters of codes", () => {
  const bad: readonly (readonly [string, () => unknown])[] = [
    ["parts must be a positive integer, got 0", () => matdot({ parts: 0, tasks: 1 })],
    ["parts must be a positive integer, got 1.5", () => matdot({ parts: 1.5, tasks: 3 })],
    ["parts must be a positive integer, got NaN", () => matdot({ parts: Number.NaN, tasks: 3 })],
    [
      "tasks must be an integer of at least 2·parts-1 = 5, got 4",
      () => matdot({ parts: 3, tasks: 4 }),
    ],
    [
      "points must be 3 distinct finite numbers",
      () => matdot({ parts: 2, tasks: 3, points: [1, 1, 2] }),
    ],
    [
      "points must be 3 distinct finite numbers",
      () => matdot({ parts: 2, tasks: 3, points: [1, 2] }),
    ],
    [
      "points must be 3 distinct finite numbers",
      () => matdot({ parts: 2, tasks: 3, points: [1, 2, Number.POSITIVE_INFINITY] }),
    ],
    [
      "points must be real",
      () => polynomial({ partition: square, tasks: 4, points: "unit-circle" }),
    ],
    [
      "points must be",
      () => polynomial({ partition: square, tasks: 4, points: "random" as "integers" }),
    ],
    [
      "tasks must be an integer of at least m·n = 6, got 5",
      () => polynomial({ partition: { m: 2, n: 3 }, tasks: 5 }),
    ],
    ["partition.m must be", () => polynomial({ partition: { m: -1, n: 3 }, tasks: 5 })],
    ["partition.k must be", () => uncoded({ partition: { m: 1, k: 0, n: 1 } })],
    ["partition must be { m, k, n }", () => uncoded({ partition: undefined as never })],
    [
      "copies must be a positive integer, got 0",
      () => replication({ partition: square, copies: 0 }),
    ],
    ["copies[1] must be", () => replication({ partition: square, copies: [1, 0, 1, 1] })],
    [
      "copies must be a number or have m·k·n = 4",
      () => replication({ partition: square, copies: [1] }),
    ],
    ["tasks and partition must give at most", () => matdot({ parts: 10_000, tasks: 1_000_000 })],
    [
      "a.cols must be 2, the number of blocks, got 3",
      () =>
        bilinearCode({
          name: "x",
          partition: square,
          a: table(2, 3, () => 1),
          b: table(2, 2, () => 1),
        }),
    ],
    [
      "a and b must have one row a task each",
      () =>
        bilinearCode({
          name: "x",
          partition: square,
          a: table(2, 2, () => 1),
          b: table(3, 2, () => 1),
        }),
    ],
    [
      "b.weights must be finite, got NaN at row 1, column 0",
      () =>
        bilinearCode({
          name: "x",
          partition: square,
          a: table(2, 2, () => 1),
          b: table(2, 2, (row, col) => (row === 1 && col === 0 ? Number.NaN : 1)),
        }),
    ],
    [
      "tolerance must be at least 0 and below 1, got 2",
      () =>
        bilinearCode({
          name: "x",
          partition: square,
          a: table(2, 2, () => 1),
          b: table(2, 2, () => 1),
          tolerance: 2,
        }),
    ],
  ];
  test.each(bad)("are refused: %s", (message, make) => {
    expect(make).toThrow(CodeParameterError);
    expect(make).toThrow(message);
  });
});

describe("thresholds", () => {
  test.each([1, 2, 3, 5, 8])("MatDot of %i parts needs 2p-1", (parts) => {
    expect(matdot({ parts, tasks: 20 }).recoveryThreshold).toBe(2 * parts - 1);
  });

  test.each([
    [1, 1],
    [2, 3],
    [4, 4],
  ])("the polynomial code of %i×%i blocks needs m·n", (m, n) => {
    expect(polynomial({ partition: { m, n }, tasks: 20 }).recoveryThreshold).toBe(m * n);
  });

  test("of a bilinear code are the theorem's where there is one", () => {
    const { partition, encodePlan } = matdot({
      parts: 2,
      tasks: 5,
      points: [-1, -0.6, 0.1, 0.4, 0.9],
    });
    const code = bilinearCode({ name: "from tables", partition, ...encodePlan });
    expect(code.recoveryThreshold).toBe(3);
  });

  test("err on the safe side when the search runs out of trials", () => {
    // Any 3 of 30 decode; 40 trials cover the loss of none or one and part of two.
    const canDecode = (received: ReadonlySet<number>) => received.size >= 3;
    expect(provenRecoveryThreshold(30, canDecode, 40)).toBe(29);
    expect(provenRecoveryThreshold(6, canDecode, 1000)).toBe(3);
  });
});

describe("tables", () => {
  test("of MatDot are the powers of its points, ascending for A and descending for B", () => {
    const points = [-0.5, 0.25, 1];
    const { a, b } = matdot({ parts: 2, tasks: 3, points }).encodePlan;
    expect([...a.weights]).toEqual([1, -0.5, 1, 0.25, 1, 1]);
    expect([...b.weights]).toEqual([-0.5, 1, 0.25, 1, 1, 1]);
  });

  test("of the polynomial code give every block of C an exponent of its own", () => {
    const code = polynomial({
      partition: { m: 3, n: 2 },
      tasks: 6,
      points: [0.5, 1, 2, -1, -2, 3],
    });
    for (const [t, x] of [0.5, 1, 2, -1, -2, 3].entries()) {
      const rowA = tableRow(code.encodePlan.a, t);
      const rowB = tableRow(code.encodePlan.b, t);
      const scale = rowA[0]! * rowB[0]!;
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 2; j++) {
          expect(rowA[i]! * rowB[j]!).toBeCloseTo(scale * x ** (i + 3 * j), 12);
        }
      }
    }
  });

  test("stay within float32 for large points, as rows are scaled by their largest entry", () => {
    const { a, b } = polynomial({
      partition: { m: 8, n: 8 },
      tasks: 64,
      points: "integers",
    }).encodePlan;
    expect(Math.max(...a.weights.map(Math.abs), ...b.weights.map(Math.abs))).toBe(1);
  });
});

describe("replication", () => {
  test("begins every product once before it begins a second copy", () => {
    const { a, b } = replication({ partition: { m: 2, k: 1, n: 1 }, copies: [2, 3] }).encodePlan;
    expect([...a.weights]).toEqual([1, 0, 0, 1, 1, 0, 0, 1, 0, 1]);
    expect([...b.weights]).toEqual([1, 1, 1, 1, 1]);
  });

  test("leaves further copies of a product out of the decode plan", () => {
    const code = replication({ partition: square, copies: 2 });
    const plan = code.decodePlan(new Set([0, 4, 1, 2, 7]));
    expect(plan.tasks).toEqual([0, 1, 2, 7]);
    expect([...plan.c.weights]).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
  });
});

describe("points", () => {
  test("are in an order whose beginnings are spread out, so that the first products decode well", () => {
    // The zeros of T_20 in descending order amplify the first 16 products over ten times more.
    const sorted = Array.from({ length: 20 }, (_, r) => Math.cos(((2 * r + 1) * Math.PI) / 40));
    const first = new Set(Array.from({ length: 16 }, (_, t) => t));
    const partition = { m: 4, n: 4 };
    const named = polynomial({ partition, tasks: 20 }).decodePlan(first).amplification;
    const listed = polynomial({ partition, tasks: 20, points: sorted }).decodePlan(
      first,
    ).amplification;
    expect(listed / named).toBeGreaterThan(10);
  });

  test("of MatDot have no two opposite each other, so that no 2p-2 products decode", () => {
    for (const points of ["chebyshev", "equispaced"] as const) {
      for (const tasks of [8, 32, 63]) {
        const code = matdot({ parts: 2, tasks, points });
        for (let s = 0; s < tasks; s++) {
          for (let t = 0; t < s; t++) {
            expect(code.canDecode(new Set([s, t]))).toBe(false);
            const [misfit] = code.decodePlan(new Set([s, t])).misfit;
            expect(misfit).toBeGreaterThan(code.tolerance * Math.SQRT2);
          }
        }
      }
    }
  });

  test("that are opposite decode below the threshold where the caller chose them", () => {
    const code = matdot({ parts: 2, tasks: 3, points: [0.5, -0.5, 1] });
    expect(code.canDecode(new Set([0, 1]))).toBe(true);
    expect(code.canDecode(new Set([0, 2]))).toBe(false);
  });
});

describe("numerics", () => {
  test("monomials on integer points amplify rounding beyond use where Chebyshev points do not", () => {
    const chebyshev = matdot({ parts: 6, tasks: 14 });
    const integers = matdot({ parts: 6, tasks: 14, points: "integers" });
    const first = new Set(Array.from({ length: 11 }, (_, t) => t));
    const spread = new Set([0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13]);
    expect(chebyshev.decodePlan(spread).amplification).toBeLessThan(1e4);
    expect(integers.decodePlan(first).amplification).toBeGreaterThan(1e6);
  });

  test("a block that no weights decode is not paid for with weights that amplify without end", () => {
    // Two rows that differ by 1e-9: to tell them apart would take weights of 1e9.
    const code = bilinearCode({
      name: "nearly parallel",
      partition: { m: 2, k: 1, n: 1 },
      a: table(2, 2, (t, i) => (i === 0 ? 1 : t * 1e-9)),
      b: table(2, 1, () => 1),
    });
    const plan = code.decodePlan(new Set([0, 1]));
    expect(code.canDecode(new Set([0, 1]))).toBe(false);
    expect(plan.amplification).toBeLessThan(1e5); // σ/τ², for σ = 7e-10 and τ = 3e-7
    expect(plan.misfit[0]).toBeLessThan(1e-6);
    expect(plan.misfit[1]).toBeGreaterThan(0.9);
  });

  test("sets whose indices read alike are not taken for each other", () => {
    const code = uncoded({ partition: { m: 113, k: 1, n: 1 } });
    expect(code.decodePlan(new Set([1, 112])).tasks).toEqual([1, 112]);
    expect(code.decodePlan(new Set([11, 12])).tasks).toEqual([11, 12]);
  });

  test("a decoded block is weighted no more than it must be", () => {
    // Three equal copies: the least-amplifying exact weights are a third each.
    const code = bilinearCode({
      name: "copies",
      partition: { m: 1, k: 1, n: 1 },
      a: table(3, 1, () => 1),
      b: table(3, 1, () => 1),
    });
    const { c } = code.decodePlan(new Set([0, 1, 2]));
    for (const weight of c.weights) expect(weight).toBeCloseTo(1 / 3, 12);
  });
});
