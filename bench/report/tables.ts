import { codedTotal } from "../bars.ts";
import type { BenchRecord } from "../record.ts";
import { shapeName } from "../shapes.ts";
import { number, percent, seconds } from "./numbers.ts";

/** A table before it is Markdown or HTML. */
export interface TextTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function barsTable({ bars }: Pick<BenchRecord, "bars">): TextTable {
  return {
    head: ["bar", "measured", "needed", "status", "detail"],
    rows: bars.map(({ title, value, need, direction, status, detail }) => [
      title,
      value === null ? "–" : number(value),
      need === null ? "–" : `${direction === "at least" ? "≥" : "≤"} ${need}`,
      status,
      detail,
    ]),
  };
}

export function tuningTable({ tuning }: BenchRecord): TextTable {
  return {
    head: ["m×k×n", "chosen", "best", "ratio", "candidates timed"],
    rows: tuning.map(({ shape, chosen, best, ratio, candidates }) => [
      shapeName(shape),
      chosen,
      best,
      number(ratio),
      `${candidates.filter(({ gflops }) => gflops !== undefined).length} of ${candidates.length}`,
    ]),
  };
}

export function combineTable({ combine }: Pick<BenchRecord, "combine">): TextTable {
  return {
    head: [
      "what",
      "blocks",
      "a block",
      "GB/s",
      "device copy, GB/s",
      "ratio",
      "copy by a shader, GB/s",
      "median (quartiles)",
    ],
    rows: combine.map((row) => [
      row.what,
      `${row.inputs} to ${row.outputs}`,
      `${row.blockBytes / 2 ** 20} MiB`,
      number(row.gbPerSecond),
      number(row.copyGbPerSecond),
      number(row.gbPerSecond / row.copyGbPerSecond),
      number(row.shaderCopyGbPerSecond),
      `${seconds(row.seconds.median)} (${seconds(row.seconds.q1)}–${seconds(row.seconds.q3)})`,
    ]),
  };
}

export function codedTable({ coded }: BenchRecord): TextTable {
  return {
    head: [
      ...["N", "code", "how", "encode", "transfer", "compute", "decode", "other", "total"],
      ...["encode + decode", "error"],
    ],
    rows: coded.map((row) => [
      String(row.size),
      row.code,
      row.how,
      seconds(row.encodeSeconds),
      row.how === "engine" ? "in compute" : seconds(row.transferSeconds),
      seconds(row.computeSeconds),
      seconds(row.decodeSeconds),
      seconds(row.otherSeconds),
      seconds(codedTotal(row)),
      percent((row.encodeSeconds + row.decodeSeconds) / codedTotal(row)),
      row.error.toExponential(1),
    ]),
  };
}

export function startupTable({ startup }: BenchRecord): TextTable {
  const time = (ms: number | undefined) => (ms === undefined ? "–" : seconds(ms / 1000));
  return {
    head: ["contender", "N", "shader cache", "start", "first product", "second product", "failed"],
    rows: startup.map(({ contender, size, cache, openMs, firstMs, secondMs, failed }) => [
      contender,
      String(size),
      cache,
      time(openMs),
      time(firstMs),
      time(secondMs),
      failed ?? "",
    ]),
  };
}

export function contendersTable({ contenders }: Pick<BenchRecord, "contenders">): TextTable {
  return {
    head: ["contender", "version", "status", "note"],
    rows: contenders.map(({ name, version, status, reason, note }) => [
      name,
      version,
      status,
      reason ?? note ?? "",
    ]),
  };
}

export function referenceTable({ reference }: BenchRecord): TextTable {
  return {
    head: ["figure", "m×k×n", "TFLOP/s"],
    rows: (reference?.figures ?? []).map(({ name, tflops, ...shape }) => [
      name,
      shapeName(shape),
      number(tflops),
    ]),
  };
}
