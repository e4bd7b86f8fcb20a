import { describe, expect, test } from "vitest";

import { errorByBound, relativeError } from "../../bench/check.ts";
import { fromHalves, toHalves } from "../../bench/halves.ts";
import { interleave } from "../../bench/measure.ts";
import { openContenders } from "../../bench/open-contenders.ts";
import { randomOperands } from "../../bench/operands.ts";
import { parseOptions } from "../../bench/options.ts";
import type { Operands } from "../../bench/peers/contender.ts";
import { matMulModel } from "../../bench/peers/onnx-model.ts";
import { flopsOf, ODD, sweepShapes } from "../../bench/shapes.ts";

function product({ m, k, n, a, b }: Operands): Float32Array {
  const c = new Float32Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let l = 0; l < k; l++) sum += a[i * k + l]! * b[l * n + j]!;
      c[i * n + j] = sum;
    }
  }
  return c;
}

describe("the check before timing", () => {
  test.each([
    ["element by element", { m: 9, k: 33, n: 10 }],
    ["row by row with a probe", { m: 300, k: 400, n: 200 }],
  ])("accepts float32's product and finds a wrong element: %s", (_, shape) => {
    const operands = randomOperands(shape);
    const right = product(operands);
    expect(errorByBound(operands, right)).toBeLessThanOrEqual(1);
    expect(relativeError(operands, right)).toBeLessThan(1e-6);

    const wrong = right.slice();
    wrong[5]! += 1;
    expect(errorByBound(operands, wrong)).toBeGreaterThan(1);
  });

  test("refuses another size and NaN", () => {
    const operands = randomOperands({ m: 4, k: 4, n: 4 });
    expect(() => errorByBound(operands, new Float32Array(15))).toThrow("15 elements");
    expect(() => errorByBound(operands, new Float32Array(16).fill(Number.NaN))).toThrow("finite");
  });
});

describe("interleaving", () => {
  const rounds = { least: 3, most: 3, budgetMs: 0, signal: new AbortController().signal };

  test("gives every side a turn in every round, in changing order", async () => {
    const order: string[] = [];
    const side = (name: string) => ({
      name,
      sample: async () => order.push(name),
    });
    const results = await interleave([side("a"), side("b"), side("c")], rounds);
    const turns = [0, 3, 6].map((first) => order.slice(first, first + 3));
    for (const turn of turns) expect([...turn].sort()).toEqual(["a", "b", "c"]);
    expect(new Set(turns.map((turn) => turn.join(""))).size).toBeGreaterThan(1);
    expect(results.get("a")).toHaveLength(3);
  });

  test("leaves a side out once it has failed, and keeps the reason", async () => {
    let calls = 0;
    const failing = {
      name: "bad",
      sample: async () => {
        calls++;
        throw new Error("broken");
      },
    };
    const results = await interleave([failing, { name: "good", sample: async () => 1 }], rounds);
    expect(calls).toBe(1);
    expect(results.get("bad")).toMatchObject({ message: "broken" });
    expect(results.get("good")).toEqual([1, 1, 1]);
  });

  test("stops between two samples with the caller's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const side = {
      name: "a",
      async sample() {
        controller.abort(reason);
        return 1;
      },
    };
    await expect(interleave([side], { ...rounds, signal: controller.signal })).rejects.toBe(reason);
  });
});

describe("contenders", () => {
  test("that cannot be opened are recorded with the first line of the reason", async () => {
    const { open, records } = await openContenders([
      { name: "gone", group: "cpu", open: () => Promise.reject(new Error("no module\n  at …")) },
    ]);
    expect(open).toEqual([]);
    expect(records).toMatchObject([{ name: "gone", status: "unavailable", reason: "no module" }]);
  });
});

describe("options", () => {
  test("default to everything", () => {
    expect(parseOptions([])).toMatchObject({ quick: false, device: "auto", peers: true });
    expect(parseOptions([]).only).toContain("startup");
  });

  test("take a list of suites, and no peers", () => {
    const { only, peers } = parseOptions(["--only", "gemm,coded", "--no-peers"]);
    expect({ only, peers }).toEqual({ only: ["gemm", "coded"], peers: false });
  });

  test.each([[["--only", "gem"]], [["--device", "tpu"]], [["--fast"]]])("refuse %s", (args) => {
    expect(() => parseOptions(args)).toThrow(args[1] ?? args[0]!);
  });
});

describe("shapes", () => {
  test("come in order of work, each once, within the limits", () => {
    const shapes = sweepShapes({ quick: false, maxFlops: 1e9, maxBytes: 2 ** 20 * 16 });
    const work = shapes.map(flopsOf);
    expect(work).toEqual([...work].sort((p, q) => p - q));
    expect(Math.max(...work)).toBeLessThanOrEqual(1e9);
    expect(new Set(shapes.map(({ m, k, n }) => `${m} ${k} ${n}`)).size).toBe(shapes.length);
    expect(shapes).toContainEqual(expect.objectContaining(ODD));
  });
});

describe("halves", () => {
  test("round to the nearest, ties to even, and are 0 where only subnormals would be", () => {
    const floats = Float32Array.of(1, -2.5, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -15, 0.1);
    expect([...fromHalves(toHalves(floats))]).toEqual([
      1,
      -2.5,
      1,
      1 + 2 ** -9,
      0,
      0.0999755859375,
    ]);
  });
});

test("an ONNX model begins with its IR version and holds the node", () => {
  const model = matMulModel({ m: 200, k: 3, n: 4 });
  expect([...model.subarray(0, 2)]).toEqual([8, 8]);
  expect(new TextDecoder().decode(model)).toContain("MatMul");
});
