import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseCheck, parseMeasure } from "../../bench/device/arguments.ts";
import { barsOf, CUBLAS } from "../../bench/device/bars.ts";
import { compileGroups } from "../../bench/device/check-compile.ts";
import { groupLines, runGroup } from "../../bench/device/check-runner.ts";
import { renderMarkdown } from "../../bench/device/markdown.ts";
import { ErrorMeter, probeOf, randomFloats } from "../../bench/device/operands.ts";
import type { GemmRow, MeasureRecord } from "../../bench/device/record.ts";
import { scaleOf } from "../../bench/device/shapes.ts";
import type { Bar } from "../../bench/record.ts";
import { summarize } from "../../bench/statistics.ts";
import { DeviceLimitError } from "../../src/core/errors.ts";
import { gemmReference } from "../../src/kernels/index.ts";

const folder = new URL("../../bench/device/", import.meta.url);

describe("arguments of the device's check and measurements", () => {
  test("have defaults that fit a run of ten minutes", () => {
    const { budgetMs: checkMs } = parseCheck([]);
    const { budgetMs, tuneMs, device } = parseMeasure([]);
    expect(device).toBe("gpu");
    expect(checkMs + budgetMs).toBeLessThan(500_000);
    expect(tuneMs).toBeLessThan(budgetMs);
  });

  test("are refused by name", () => {
    expect(() => parseCheck(["--device", "tpu"])).toThrow("--device must be gpu, software, auto");
    expect(() => parseCheck(["--budget", "soon"])).toThrow("--budget must be a number of seconds");
    expect(() => parseMeasure(["--tune", "0"])).toThrow("--tune must be a number of seconds");
    expect(() => parseMeasure(["--peak=-1"])).toThrow("--peak must be a number above 0");
    expect(() => parseMeasure(["--peek", "1"])).toThrow("--peek");
  });
});

describe("a group of checks", () => {
  const clock = { now: () => 0, deadlineMs: 1 };
  const of = (worst: () => Promise<number>) => ({ name: "case", worst });

  test("counts what is within its bound, what is not, and what a device has no room for", async () => {
    const cases = [
      of(async () => 0.25),
      of(async () => 1.5),
      of(async () => Number.NaN),
      of(() => Promise.reject(new Error("no\nsuch"))),
      of(() => Promise.reject(new DeviceLimitError("too large"))),
    ];
    const result = await runGroup({ name: "group", cases }, clock);
    expect(result).toMatchObject({ passed: 1, beyondDevice: 1, skipped: 0, worst: 0.25 });
    expect(result.failures.map(({ problem }) => problem)).toEqual([
      "1.5 times its bound",
      "NaN times its bound",
      "no | such",
    ]);
    expect(groupLines(result)).toMatch(/^FAIL group: 1 passed, 3 FAILED, 1 beyond this device;/);
  });

  test("begins no case after its deadline", async () => {
    let ms = 0;
    const cases = Array.from({ length: 5 }, () => of(async () => ms++ * 0));
    const result = await runGroup({ name: "group", cases }, { now: () => ms, deadlineMs: 2 });
    expect(result).toMatchObject({ passed: 2, skipped: 3, failures: [] });
  });
});

test("Dawn's compiler takes the subgroup-matrix shaders that planning starts from", async () => {
  const groups = await compileGroups({ quick: true });
  for (const group of groups) {
    const result = await runGroup(group, { now: () => 0, deadlineMs: 1 });
    expect(result.failures).toEqual([]);
    expect(result.passed).toBeGreaterThan(1);
  }
});

describe("the error of a product", () => {
  const shape = { m: 40, k: 30, n: 50 };
  const a = randomFloats(shape.m * shape.k, 1);
  const b = randomFloats(shape.k * shape.n, 2);
  const product = () =>
    gemmReference(
      { rows: shape.m, cols: shape.k, rowStride: shape.k, data: a },
      { rows: shape.k, cols: shape.n, rowStride: shape.n, data: b },
    ).data;
  const errorOf = (c: Float32Array) => {
    const meter = new ErrorMeter(probeOf(shape, a, b));
    meter.add(c.subarray(0, 7 * shape.n), 0);
    meter.add(c.subarray(7 * shape.n), 7);
    return meter.relativeError;
  };

  test("is that of rounding where the product is right", () => {
    expect(errorOf(product())).toBeLessThan(2 ** -24);
  });

  test("is what was added to one element, by ‖A‖‖B‖", () => {
    const c = product();
    c[3 * shape.n + 4]! += 1;
    const norm = (x: Float32Array) => Math.hypot(...x);
    expect(errorOf(c)).toBeCloseTo(1 / norm(a) / norm(b), 6);
  });

  test("is NaN where an element is", () => {
    const c = product();
    c[11] = Number.NaN;
    expect(errorOf(c)).toBe(Number.NaN);
  });
});

describe("bars of a run on a GPU", () => {
  test("hold the tuned choice against the card's peak and cuBLAS", () => {
    const bars = barsOf(recordWith(h100));
    expect(statusOf(bars, "f32, N = 4096 ÷ 67")).toEqual(["pass", 0.5]);
    expect(statusOf(bars, "f32, N = 8192 ÷ 67")).toEqual(["not measured", null]);
    expect(statusOf(bars, "f16, N = 4096")).toEqual(["fail", 0.4]);
    expect(statusOf(bars, "f32-split, N = 4096 ÷ cuBLAS f32")).toEqual(["pass", 2]);
    expect(statusOf(bars, "f32-split: largest")).toEqual(["pass", 2 ** -22]);
    expect(statusOf(bars, "correctness")).toEqual(["fail", 1]);
  });

  test("hold combine against the faster of both copies", () => {
    expect(statusOf(barsOf(recordWith(h100)), "combine")).toEqual(["fail", 0.8]);
    const { reference: _, ...without } = recordWith(h100);
    expect(statusOf(barsOf(without), "combine")).toEqual(["pass", 0.96]);
  });

  test("are not met by what a software driver or an emulation does", () => {
    const trials = [
      recordWith({ ...h100, emulated: true }),
      recordWith({ ...h100, adapter: { ...h100.adapter, kind: "software", software: true } }),
    ];
    for (const trial of trials) {
      const speed = barsOf(trial).filter(({ title }) => !title.startsWith("correctness"));
      expect(new Set(speed.map(({ status }) => status))).toEqual(new Set(["not measured"]));
    }
  });

  test("are shown, with every kernel, its choice, its error and what is no candidate", () => {
    const record = recordWith(h100);
    const text = renderMarkdown({ ...record, bars: barsOf(record) });
    expect(text).toContain(
      "| pass | f32, N = 4096 ÷ 67 TFLOP/s (aim 0.65) | 0.5 | at least 0.45 |",
    );
    expect(text).toContain(
      "| 4096×4096×4096 | f32 | tiled | tuned, own | 1 [1, 1] | 33.50 | 0.500 |",
    );
    expect(text).toContain("its product is wrong in row 3");
    expect(text).toContain("cuBLAS f16");
    expect(text).not.toContain("undefined");
  });
});

describe("the recipe's files", () => {
  test("name cuBLAS's figures alike in TypeScript and Python", () => {
    const python = readFileSync(new URL("cublas.py", folder), "utf8");
    for (const name of Object.values(CUBLAS)) expect(python).toContain(`"${name}"`);
  });

  test("are shell scripts that bash can read", () => {
    for (const name of ["pack.sh", "enter.sh", "run.sh"]) {
      const { error, stderr } = spawnSync("bash", ["-n", new URL(name, folder).pathname], {
        encoding: "utf8",
      });
      if (error) return; // no bash here
      expect(stderr).toBe("");
    }
  });

  test("take the shapes that measurements take", () => {
    const shapes = scaleOf({ software: false, quick: false }).shapes;
    const sides = shapes.filter(({ m, k, n }) => m === k && k === n).map(({ m }) => m);
    expect(sides).toEqual(expect.arrayContaining([1024, 2048, 4096, 6144, 8192]));
  });
});

const h100: Partial<MeasureRecord> & Pick<MeasureRecord, "adapter"> = {
  adapter: {
    vendor: "nvidia",
    architecture: "hopper",
    device: "",
    description: "a GPU",
    kind: "hardware",
    software: false,
    driver: "system",
    limits: { maxBufferSize: 2 ** 31 },
    features: ["shader-f16"],
  },
};

function recordWith(changes: Partial<MeasureRecord>): MeasureRecord {
  return {
    format: "anyk-device/1",
    date: "2030-01-01T00:00:00Z",
    commit: "abc",
    machine: { cpu: "a CPU", cores: 16, memoryBytes: 1, os: "Linux", node: "v20" },
    adapter: h100.adapter,
    emulated: false,
    quick: false,
    peakTflops: 67,
    tuning: { elapsedMs: 1, buckets: [], skipped: [{ bucket: "f32", reason: "no time was left" }] },
    gemm: [
      row({ precision: "f32", name: "register", tflops: 40 }),
      row({ precision: "f32", name: "tiled", tflops: 33.5, chosen: true, own: true }),
      row({ precision: "f16", name: "matrix", tflops: 240, chosen: true }),
      row({ precision: "f32-split", name: "matrix", tflops: 100, chosen: true }),
      { ...row({ precision: "f16", name: "naive" }), rejected: "its product is wrong in row 3" },
    ],
    combine: [
      {
        inputs: 6,
        outputs: 8,
        blockBytes: 2 ** 26,
        ms: summarize([1]),
        gbPerSecond: 2400,
        copyGbPerSecond: 2500,
        error: 0.5,
      },
    ],
    coded: [],
    reference: {
      source: "a test",
      copyGbPerSecond: 3000,
      figures: [
        { name: CUBLAS.f32, m: 4096, k: 4096, n: 4096, tflops: 50 },
        { name: CUBLAS.f16, m: 4096, k: 4096, n: 4096, tflops: 600 },
      ],
    },
    check: { passed: 10, failed: 1, skipped: 0 },
    bars: [],
    remarks: ["a remark"],
    ...changes,
  };
}

function row(about: Partial<GemmRow> & Pick<GemmRow, "precision" | "name">): GemmRow {
  const { tflops } = about;
  return {
    shape: { m: 4096, k: 4096, n: 4096 },
    own: false,
    chosen: false,
    ...(tflops === undefined ? {} : { ms: summarize([1]), relativeError: 2 ** -22 }),
    ...about,
  };
}

function statusOf(bars: readonly Bar[], title: string): [Bar["status"], number | null] {
  const bar = bars.find((each) => each.title.startsWith(title))!;
  return [bar.status, bar.value];
}
