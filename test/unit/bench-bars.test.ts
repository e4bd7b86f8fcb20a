import { describe, expect, test } from "vitest";

import { barsOf } from "../../bench/bars.ts";
import { summarize } from "../../bench/statistics.ts";
import { benchRecord, gemmRow } from "../support/bench-record.ts";

const N512 = [512, 512, 512] as const;

function find(bars: ReturnType<typeof barsOf>, title: string | RegExp) {
  return bars.find((bar) => bar.title.match(title))!;
}

describe("bars", () => {
  test("of an empty run are all there, and none is met", () => {
    const bars = barsOf(benchRecord());
    expect(bars.length).toBeGreaterThanOrEqual(9);
    expect(new Set(bars.map(({ status }) => status))).toEqual(new Set(["not measured"]));
  });

  test("compare with the fastest WebGPU peer, not with the CPU", () => {
    const gemm = [
      gemmRow("anyk", "anyk", N512, 9),
      gemmRow("slow", "webgpu", N512, 1),
      gemmRow("fast", "webgpu", N512, 2.5),
      gemmRow("blas", "cpu", N512, 200),
    ];
    const bar = find(barsOf(benchRecord({ gemm })), "N = 512, on the device");
    expect(bar).toMatchObject({ value: 3.6, need: 3, status: "pass" });
  });

  test("hold ONNX Runtime, which checks no bounds, against anyk without checks", () => {
    const gemm = [
      gemmRow("anyk", "anyk", N512, 9),
      gemmRow("anyk, no bounds checks", "anyk", N512, 10),
      gemmRow("onnxruntime webgpu", "webgpu", N512, 4),
    ];
    const bar = find(barsOf(benchRecord({ gemm })), "N = 512, on the device");
    expect(bar).toMatchObject({ value: 2.5, status: "fail" });
  });

  test("keep times with copies apart from times on the device", () => {
    const gemm = [
      gemmRow("anyk", "anyk", N512, 9),
      gemmRow("peer", "webgpu", N512, 1, { copies: "host" }),
    ];
    const bars = barsOf(benchRecord({ gemm }));
    expect(find(bars, "N = 512, on the device").status).toBe("not measured");
    expect(find(bars, "N = 512, host to host").status).toBe("not measured");
  });

  test("leave out a peer that sat the shape out", () => {
    const { gflops: _, seconds: _s, ...skipped } = gemmRow("fast", "webgpu", N512, 100);
    const gemm = [
      gemmRow("anyk", "anyk", N512, 9),
      { ...skipped, skipped: "failed" },
      gemmRow("peer", "webgpu", N512, 3),
    ];
    expect(find(barsOf(benchRecord({ gemm })), "N = 512, on the device").value).toBe(3);
  });

  test("ask twice a peer's rate at smaller sizes of SwiftShader", () => {
    const { adapter } = benchRecord();
    const bars = barsOf(benchRecord({ adapter: { ...adapter, slug: "swiftshader" } }));
    expect(find(bars, "N = 256, on the device").need).toBe(2);
  });

  test("compute the odd shape's rate, the copy's and the coded share", () => {
    const bars = barsOf(
      benchRecord({
        odd: {
          odd: { m: 509, k: 1021, n: 257 },
          even: { m: 512, k: 1024, n: 256 },
          oddGflops: 4.2,
          evenGflops: 5,
          ratio: summarize([0.8, 0.85, 0.9]),
        },
        combine: [
          {
            what: "6 inputs, 8 outputs",
            inputs: 6,
            outputs: 8,
            blockBytes: 4,
            seconds: summarize([1]),
            gbPerSecond: 7,
            shaderCopyGbPerSecond: 5,
            copyGbPerSecond: 10,
            error: 0.5,
          },
        ],
        coded: [
          {
            size: 2048,
            code: "matdot(parts=3, tasks=7)",
            how: "stages",
            encodeSeconds: 0.5,
            transferSeconds: 1,
            computeSeconds: 8,
            decodeSeconds: 0.25,
            otherSeconds: 0.25,
            rounds: 1,
            error: 1e-6,
          },
        ],
        tuning: [
          { shape: { m: 1, k: 1, n: 1 }, chosen: "a", best: "a", ratio: 1, candidates: [] },
          { shape: { m: 2, k: 1, n: 1 }, chosen: "a", best: "b", ratio: 0.81, candidates: [] },
        ],
      }),
    );
    expect(find(bars, /^509/)).toMatchObject({ value: 0.85, status: "pass" });
    expect(find(bars, /^combine.*fastest shader/)).toMatchObject({ value: 1.4, status: "pass" });
    expect(find(bars, /^combine.*copyBuffer/)).toMatchObject({ value: 0.7, status: "fail" });
    expect(find(bars, /^encode and decode/)).toMatchObject({ value: 0.075, status: "pass" });
    expect(find(bars, /geometric mean/).value).toBeCloseTo(0.9, 12);
    expect(find(bars, /largest error/)).toMatchObject({ value: 0.5, status: "pass" });
  });

  test("take the coded share from MatDot, not from another code", () => {
    const stage = { transferSeconds: 0, computeSeconds: 1, otherSeconds: 0, rounds: 1, error: 0 };
    const row = { ...stage, size: 2048, how: "stages" as const, decodeSeconds: 0 };
    const bars = barsOf(
      benchRecord({
        coded: [
          { ...row, code: "uncoded(m=1, k=3, n=1)", encodeSeconds: 0 },
          { ...row, code: "matdot(parts=3, tasks=7)", encodeSeconds: 1 },
        ],
      }),
    );
    expect(find(bars, /^encode and decode/)).toMatchObject({ value: 0.5, status: "fail" });
  });

  test("give a GPU's rate as a part of its peak", () => {
    const { adapter } = benchRecord();
    const bars = barsOf(
      benchRecord({
        adapter: { ...adapter, software: false, slug: "nvidia-h200" },
        gemm: [gemmRow("anyk", "anyk", [4096, 4096, 4096], 33_500)],
      }),
    );
    expect(find(bars, "÷ 67, N = 4096")).toMatchObject({ value: 0.5, status: "information" });
  });
});
