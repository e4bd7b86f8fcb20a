import type { GemmPrecision, GemmShape } from "../../src/kernels/index.ts";
import type { Bar } from "../record.ts";
import type { CublasReference, GemmRow, MeasureRecord } from "./record.ts";

type Measured = Omit<MeasureRecord, "bars">;

/** Names of figures in the reference. cublas.py has the same. */
export const CUBLAS = { f32: "cuBLAS f32", tf32: "cuBLAS TF32", f16: "cuBLAS f16" } as const;

const SIDES = [4096, 6144, 8192];
const LEAST_F32 = 0.45;
const LEAST_F16 = 0.5;
const LEAST_SPLIT = 1;
const LARGEST_SPLIT_ERROR = 2 ** -20;
const LEAST_COMBINE = 0.85;

/** What anyk promises on an H100 or H200, held against one run. */
export function barsOf(record: Measured): Bar[] {
  const { check, emulated, adapter, peakTflops, reference } = record;
  const means = !emulated && adapter.kind === "hardware";
  const bars = [
    ...SIDES.map((side) => peakBar(record, side, peakTflops)),
    ...SIDES.map((side) => cublasBar(record, side, "f16")),
    ...SIDES.map((side) => cublasBar(record, side, "f32-split")),
    splitErrorBar(record),
    combineBar(record, reference),
    codedBar(record),
  ].map((each): Bar => (means ? each : { ...each, status: "not measured" }));
  return [
    bar({
      title: "correctness: cases outside their bounds",
      value: check?.failed,
      need: 0,
      direction: "at most",
      detail: check ? `${check.passed} passed, ${check.skipped} skipped for want of time` : "",
    }),
    ...bars,
  ];
}

/** What the planner takes for a shape after tuning. */
function chosenRow(
  { gemm }: Pick<Measured, "gemm">,
  { m, k, n }: GemmShape,
  precision: GemmPrecision,
): GemmRow | undefined {
  return gemm.find(
    ({ shape, chosen, tflops, ...row }) =>
      chosen &&
      tflops !== undefined &&
      row.precision === precision &&
      shape.m === m &&
      shape.k === k &&
      shape.n === n,
  );
}

export function referenceFigure(
  reference: CublasReference | undefined,
  name: string,
  { m, k, n }: GemmShape,
): CublasReference["figures"][number] | undefined {
  return reference?.figures.find(
    (figure) => figure.name === name && figure.m === m && figure.k === k && figure.n === n,
  );
}

function peakBar(record: Measured, side: number, peakTflops: number): Bar {
  const row = chosenRow(record, cube(side), "f32");
  return bar({
    title: `f32, N = ${side} ÷ ${peakTflops} TFLOP/s (aim 0.65)`,
    value: row && row.tflops! / peakTflops,
    need: LEAST_F32,
    direction: "at least",
    detail: row ? `${row.tflops!.toFixed(1)} TFLOP/s, ${row.name}` : "",
  });
}

function cublasBar(record: Measured, side: number, precision: "f16" | "f32-split"): Bar {
  const row = chosenRow(record, cube(side), precision);
  const name = precision === "f16" ? CUBLAS.f16 : CUBLAS.f32;
  const other = referenceFigure(record.reference, name, cube(side));
  const figures = [row && `${row.tflops!.toFixed(1)}`, other && `${other.tflops.toFixed(1)}`];
  return bar({
    title: `${precision}, N = ${side} ÷ ${name}`,
    value: row && other && row.tflops! / other.tflops,
    need: precision === "f16" ? LEAST_F16 : LEAST_SPLIT,
    direction: "at least",
    detail: row || other ? `${figures.map((each) => each ?? "–").join(" and ")} TFLOP/s` : "",
  });
}

function splitErrorBar({ gemm }: Measured): Bar {
  const errors = gemm
    .filter(({ precision }) => precision === "f32-split")
    .flatMap(({ relativeError = [] }) => relativeError);
  return bar({
    title: "f32-split: largest ‖Ĉ − A·B‖ by ‖A‖‖B‖, against 2^-20",
    value: errors.length > 0 ? Math.max(...errors) : undefined,
    need: LARGEST_SPLIT_ERROR,
    direction: "at most",
    detail: errors.length > 0 ? `2^${Math.log2(Math.max(...errors)).toFixed(1)}` : "",
  });
}

/** Against the faster of both copies, WebGPU's and PyTorch's. */
function combineBar({ combine }: Measured, reference: CublasReference | undefined): Bar {
  const row = combine[0];
  const torch = reference?.copyGbPerSecond;
  const copy = row && Math.max(row.copyGbPerSecond, torch ?? 0);
  const elsewhere = torch === undefined ? "" : `, ${torch.toFixed(0)} by PyTorch's copy`;
  return bar({
    title: "combine 6 to 8 ÷ device copy, bytes a second",
    value: row && copy ? row.gbPerSecond / copy : undefined,
    need: LEAST_COMBINE,
    direction: "at least",
    detail: row
      ? `${row.gbPerSecond.toFixed(0)} and ${row.copyGbPerSecond.toFixed(0)} GB/s${elsewhere}`
      : "",
  });
}

/** For information: what coding costs where nothing is slow. */
function codedBar({ coded }: Measured): Bar {
  const row = coded.find(({ precision }) => precision === "f32");
  const coding = row && row.encodeMs.median + row.decodeMs.median;
  return bar({
    title: `encode and decode by a coded product, ${row?.code ?? "MatDot"}, N = ${row?.size ?? 6144}`,
    value: row && coding && coding / (coding + row.productsMs.median),
    need: null,
    direction: "at most",
    detail: row
      ? `${row.encodeMs.median.toFixed(2)} and ${row.decodeMs.median.toFixed(2)} ms beside ` +
        `${row.productsMs.median.toFixed(2)} ms of products; without a code ` +
        `${row.uncodedMs.median.toFixed(2)} ms`
      : "",
  });
}

function bar(about: Omit<Bar, "value" | "status"> & { readonly value: number | undefined }): Bar {
  const { value = null, need, direction } = about;
  const status = (): Bar["status"] => {
    if (value === null) return "not measured";
    if (need === null) return "information";
    return (direction === "at least" ? value >= need : value <= need) ? "pass" : "fail";
  };
  return { ...about, value, status: status() };
}

function cube(side: number): GemmShape {
  return { m: side, k: side, n: side };
}
