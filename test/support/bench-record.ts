import type { BenchRecord, GemmRow, Group } from "../../bench/record.ts";
import { summarize } from "../../bench/statistics.ts";

/** A GEMM row of `gflops` for an m×k×n product. */
export function gemmRow(
  contender: string,
  group: Group,
  [m, k, n]: readonly [number, number, number],
  gflops: number,
  rest: Partial<GemmRow> = {},
): GemmRow {
  const seconds = (2 * m * k * n) / gflops / 1e9;
  return {
    shape: { m, k, n },
    set: m === k && k === n ? "square" : "odd",
    copies: "resident",
    contender,
    group,
    seconds: summarize([seconds * 0.9, seconds, seconds * 1.1]),
    repeats: 1,
    gflops,
    firstSeconds: 1,
    error: 0.1,
    ...rest,
  };
}

/** A record of lavapipe with nothing measured but what `rest` says. */
export function benchRecord(rest: Partial<BenchRecord> = {}): BenchRecord {
  return {
    format: "anyk-bench/1",
    command: "npm run bench",
    date: "2026-01-02T03:04:05.678Z",
    commit: "0123456789ab",
    machine: { cpu: "CPU", cores: 2, memoryBytes: 2 ** 34, os: "Linux", node: "v20.20.2" },
    adapter: {
      slug: "llvmpipe",
      description: "llvmpipe <LLVM>",
      vendor: "mesa",
      architecture: "",
      driver: "system",
      software: true,
      subgroupSizes: "8–8",
      features: [],
      limits: {},
    },
    quick: false,
    contenders: [],
    gemm: [],
    tuning: [],
    combine: [],
    coded: [],
    startup: [],
    bars: [],
    remarks: [],
    ...rest,
  };
}
