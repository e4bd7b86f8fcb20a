import { describe, expect, test } from "vitest";

import type { MultiplyRun } from "../../src/cli/multiply-run.ts";
import { progressText } from "../../src/cli/progress.ts";
import { renderReport } from "../../src/cli/report.ts";
import { jsonNumber, multiplyJson } from "../../src/cli/report-json.ts";
import { matrix, type ProgressEvent } from "../../src/index.ts";

const clean = { rounded: 0, largestRelativeChange: 0, firstNonFinite: undefined };
const run: MultiplyRun = {
  a: { file: "A.npy", rows: 1, cols: 2, dtype: "float32", notes: clean },
  b: { file: "B.npy", rows: 2, cols: 1, dtype: "float32", notes: clean },
  output: { file: "C.npy", dtype: "float32" },
  code: { name: "matdot(parts=2, tasks=4)", tasks: 4, recoveryThreshold: 3 },
  workers: ["cpu-0", "cpu-1", "cpu-2", "cpu-3"],
  device: { kind: "cpu", description: "CPU (WebAssembly)" },
  seed: 7,
  tolerance: undefined,
  straggle: ["exponential:mean=1s"],
  product: {
    c: matrix(1, 1, Float32Array.of(1)),
    error: {
      bound: 3.14e-5,
      predicted: 2e-7,
      residual: 1.8e-7,
      relative: 2.5e-7,
      consistent: true,
    },
    used: [0, 2, 3],
    stragglers: [1],
    failures: [],
    timeline: [],
    code: "matdot(parts=2, tasks=4)",
    complete: true,
    decodedAtMs: 100,
    elapsedMs: 110,
  },
  attempts: [
    { task: 0, worker: "cpu-0", sentMs: 0, startedMs: 10, endedMs: 50, outcome: "used" },
    { task: 1, worker: "cpu-1", sentMs: 0, endedMs: 100, outcome: "aborted", expectedEndMs: 250 },
    { task: 2, worker: "cpu-2", sentMs: 0, startedMs: 10, endedMs: 60, outcome: "used" },
    { task: 3, worker: "cpu-3", sentMs: 0, startedMs: 10, endedMs: 100, outcome: "used" },
  ],
  unsent: [],
  waitForAll: { ms: 250, kind: "estimated" },
};
const incomplete = { ...run.product, complete: false, used: [0] };

/** The report with its lines joined, so that a test need not know where they break. */
function report(change: Partial<MultiplyRun> = {}): string {
  const lines = renderReport({ ...run, ...change }, { width: 80, colour: false });
  return lines.join("\n").replace(/\n +/g, " ");
}

describe("renderReport", () => {
  test.each<[string, Partial<MultiplyRun>, string]>([
    [
      "time to C against waiting for all",
      {},
      "C decodable after 100 ms, ready after 110 ms; waiting for all 4 tasks would have taken about 250 ms, 2.5 times as long",
    ],
    [
      "waiting in vain",
      { waitForAll: { ms: Number.POSITIVE_INFINITY, kind: "estimated" } },
      "would never have ended",
    ],
    [
      "what is not known",
      { waitForAll: { ms: 130, kind: "at least" }, unsent: [4, 5] },
      "at least 130 ms, 1.3 times as long (2 tasks not begun)",
    ],
    [
      "that nothing was outstanding",
      { waitForAll: { ms: 100, kind: "measured" } },
      "every task had ended by then",
    ],
    ["how many results were needed", {}, "3 used of 4; any 3 are enough"],
    [
      "that all are needed",
      { code: { ...run.code, recoveryThreshold: 4 } },
      "3 used of 4; all are needed",
    ],
    [
      "that no number is enough",
      { code: { ...run.code, recoveryThreshold: Number.POSITIVE_INFINITY } },
      "no number of them is always enough",
    ],
    ["stragglers by name", {}, "1 task still running: task 1 (cpu-1)"],
    ["no failures", {}, "failures    none"],
    [
      "the error",
      {},
      "2.5e-7 of ‖A·B‖ measured, 2e-7 expected; 1.8e-7 of ‖A‖·‖B‖ measured, at most 3.1e-5 for certain",
    ],
    [
      "a tolerance that was not reached",
      { tolerance: 1e-6 },
      "--tolerance 0.000001 was not reached: for certain the error is at most 3.1e-5",
    ],
    [
      "a product that cannot be right",
      { product: { ...run.product, error: { ...run.product.error, consistent: false } } },
      "C IS WRONG: its measured error is far beyond the bound",
    ],
    ["the device", {}, "CPU (WebAssembly)"],
    ["the seed", {}, "7; --seed 7 repeats the delays"],
    ["the file", {}, "C.npy: 1×1 float32"],
    ["that C was not kept", { output: undefined }, "C was not kept; -o FILE writes it"],
    ["a deadline", { product: incomplete }, "stopped by the deadline after 100 ms"],
    ["an incomplete file", { product: incomplete }, "C.npy: 1×1 float32, NOT COMPLETE"],
    [
      "an error without bounds",
      {
        product: {
          ...run.product,
          error: {
            bound: Number.POSITIVE_INFINITY,
            predicted: Number.NaN,
            residual: Number.NaN,
            relative: Number.NaN,
            consistent: true,
          },
        },
      },
      "cannot be measured or bounded, as C is not finite",
    ],
    [
      "rounding",
      {
        a: {
          ...run.a,
          dtype: "float64",
          notes: { ...clean, rounded: 1, largestRelativeChange: 5.9e-8 },
        },
      },
      "A.npy: 1 of 2 float64 values rounded to float32, by at most 5.9e-8 of their size",
    ],
    [
      "values that are not finite",
      {
        b: { ...run.b, notes: { ...clean, firstNonFinite: { row: 1, col: 0, value: Number.NaN } } },
      },
      "B.npy: not all values are finite: NaN at row 1, column 0",
    ],
  ])("tells %s", (_, change, text) => {
    expect(report(change)).toContain(text);
  });

  test("tells each failure with its worker and reason", () => {
    const failures = [
      { task: 1, reason: new Error("lost power") },
      { task: 9, reason: "text" },
    ];
    const [first, ...rest] = run.attempts;
    const attempts = [first!, { ...rest[0]!, outcome: "failed" as const }, ...rest.slice(1)];
    const text = report({ product: { ...run.product, failures }, attempts });
    expect(text).toContain("task 1 (cpu-1): lost power");
    expect(text).toContain("task 9: text");
  });

  test("says nothing of a seed that seeded nothing", () => {
    expect(report({ straggle: [] })).not.toContain("--seed");
  });

  test("breaks lines to fit", () => {
    for (const line of renderReport(run, { width: 60, colour: false })) {
      expect(line.length).toBeLessThanOrEqual(60);
    }
  });
});

describe("multiplyJson", () => {
  test("has these keys, which stay", () => {
    const json = multiplyJson(run, "1.2.3");
    expect(JSON.parse(JSON.stringify(json))).toEqual({
      anyk: "1.2.3",
      a: {
        file: "A.npy",
        rows: 1,
        cols: 2,
        dtype: "float32",
        rounded: 0,
        largestRelativeChange: 0,
        finite: true,
      },
      b: {
        file: "B.npy",
        rows: 2,
        cols: 1,
        dtype: "float32",
        rounded: 0,
        largestRelativeChange: 0,
        finite: true,
      },
      c: { file: "C.npy", dtype: "float32", rows: 1, cols: 1 },
      code: { name: "matdot(parts=2, tasks=4)", tasks: 4, recoveryThreshold: 3 },
      workers: ["cpu-0", "cpu-1", "cpu-2", "cpu-3"],
      device: { kind: "cpu", description: "CPU (WebAssembly)" },
      seed: 7,
      straggle: ["exponential:mean=1s"],
      complete: true,
      decodedAtMs: 100,
      elapsedMs: 110,
      waitForAll: { ms: 250, kind: "estimated" },
      error: {
        bound: 3.14e-5,
        predicted: 2e-7,
        residual: 1.8e-7,
        relative: 2.5e-7,
        consistent: true,
      },
      used: [0, 2, 3],
      stragglers: [1],
      failures: [],
      unsent: [],
      timeline: [
        {
          task: 0,
          worker: "cpu-0",
          outcome: "used",
          sentMs: 0,
          startedMs: 10,
          endedMs: 50,
          expectedEndMs: null,
        },
        {
          task: 1,
          worker: "cpu-1",
          outcome: "aborted",
          sentMs: 0,
          startedMs: null,
          endedMs: 100,
          expectedEndMs: 250,
        },
        {
          task: 2,
          worker: "cpu-2",
          outcome: "used",
          sentMs: 0,
          startedMs: 10,
          endedMs: 60,
          expectedEndMs: null,
        },
        {
          task: 3,
          worker: "cpu-3",
          outcome: "used",
          sentMs: 0,
          startedMs: 10,
          endedMs: 100,
          expectedEndMs: null,
        },
      ],
    });
  });

  test("names numbers that are not finite", () => {
    expect(
      [1.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN].map(jsonNumber),
    ).toEqual([1.5, "Infinity", "-Infinity", "NaN"]);
  });

  test("is null where C was not written", () => {
    expect(multiplyJson({ ...run, output: undefined }, "1").c).toMatchObject({
      file: null,
      dtype: null,
    });
  });
});

describe("progressText", () => {
  const event: ProgressEvent = {
    phase: "race",
    atMs: 1,
    received: 2,
    needed: 5,
    tasks: 6,
    failures: 0,
  };
  test.each<[Partial<ProgressEvent>, string]>([
    [{}, "40%  2 of 5 products"],
    [{ failures: 1 }, "40%  2 of 5 products, 1 failed"],
    [{ received: 6 }, "100%  6 of 5 products"],
    [{ needed: Number.POSITIVE_INFINITY }, "33%  2 of 6 products"],
    [{ phase: "encode" }, "encoding"],
    [{ phase: "decode" }, "decoding"],
    [{ phase: "check" }, "measuring the error"],
  ])("of %j is %s", (change, text) => {
    expect(progressText({ ...event, ...change })).toBe(text);
  });
});
