import type { Summary } from "../statistics.ts";
import { CUBLAS, referenceFigure } from "./bars.ts";
import { titleOf } from "./open.ts";
import type { GemmRow, MeasureRecord } from "./record.ts";
import { shapeName } from "./shapes.ts";

/** One run, for people. */
export function renderMarkdown(record: MeasureRecord): string {
  const { adapter, machine, commit, date, emulated, remarks } = record;
  const parts = [
    `# anyk on ${adapter.description || adapter.architecture || "a device"}`,
    `${date}, commit ${commit}, ${machine.os}, ${machine.cpu} (${machine.cores} cores), ` +
      `Node ${machine.node}.`,
    `${titleOf(record)}.`,
    ...(emulated || adapter.kind === "software"
      ? ["**A trial of the recipe on a software driver: no figure here means anything.**"]
      : []),
    "Times are medians by the device's own timestamps, quartiles in brackets; matrices stay on the " +
      "device. Every product was first checked: whole numbers in every element, random ones for " +
      "their error.",
    "## Bars",
    barsTable(record),
    "## Products",
    gemmTable(record),
    "## Combine",
    combineTable(record),
    "## A coded product",
    codedTable(record),
    "## Tuning",
    tuningTable(record),
    ...(remarks.length > 0 ? ["## Remarks", remarks.map((each) => `- ${each}`).join("\n")] : []),
    "## The device's limits",
    table(
      ["limit", "value"],
      Object.entries(adapter.limits).map(([name, value]) => [name, `${value}`]),
    ),
    `Features: ${adapter.features.join(", ")}.`,
  ];
  return `${parts.join("\n\n")}\n`;
}

function barsTable({ bars }: MeasureRecord): string {
  return table(
    ["", "bar", "measured", "needed", ""],
    bars.map(({ status, title, value, need, direction, detail }) => [
      status,
      title,
      value === null ? "–" : figure(value),
      need === null ? "–" : `${direction} ${figure(need)}`,
      detail,
    ]),
  );
}

function gemmTable({ gemm, reference, peakTflops }: MeasureRecord): string {
  const rows = gemm.map((row) => [
    shapeName(row.shape),
    row.precision,
    row.name,
    [row.chosen ? "tuned" : "", row.own ? "own" : ""].filter(Boolean).join(", "),
    row.ms ? spread(row.ms) : (row.rejected ?? "slower"),
    row.tflops?.toFixed(2) ?? "",
    row.tflops && row.precision === "f32" ? (row.tflops / peakTflops).toFixed(3) : "",
    ratioToCublas(row, reference),
    row.relativeError === undefined ? "" : exponent(row.relativeError),
  ]);
  const others = (reference?.figures ?? []).map((figure) => [
    shapeName(figure),
    figure.name,
    "",
    "",
    figure.medianMs?.toFixed(3) ?? "",
    figure.tflops.toFixed(2),
    "",
    "",
    figure.relativeError === undefined ? "" : exponent(figure.relativeError),
  ]);
  return table(
    ["m×k×n", "precision", "kernel", "choice", "ms", "TFLOP/s", "÷ peak", "÷ cuBLAS", "error"],
    [...rows, ...others],
  );
}

/** f16 by cuBLAS's f16, the others by its f32. */
function ratioToCublas(
  { precision, shape, tflops }: GemmRow,
  reference: MeasureRecord["reference"],
) {
  const name = precision === "f16" ? CUBLAS.f16 : CUBLAS.f32;
  const other = referenceFigure(reference, name, shape);
  return tflops && other ? (tflops / other.tflops).toFixed(3) : "";
}

function combineTable({ combine }: MeasureRecord): string {
  return table(
    ["inputs", "outputs", "block", "ms", "GB/s", "copy, GB/s", "error ÷ bound"],
    combine.map((row) => [
      `${row.inputs}`,
      `${row.outputs}`,
      `${row.blockBytes / 2 ** 20} MiB`,
      spread(row.ms),
      row.gbPerSecond.toFixed(1),
      row.copyGbPerSecond.toFixed(1),
      row.error.toFixed(3),
    ]),
  );
}

function codedTable({ coded }: MeasureRecord): string {
  return table(
    ["code", "N", "precision", "encode, ms", "products, ms", "decode, ms", "uncoded, ms", "error"],
    coded.map((row) => [
      row.code,
      `${row.size}`,
      row.precision,
      spread(row.encodeMs),
      spread(row.productsMs),
      spread(row.decodeMs),
      spread(row.uncodedMs),
      exponent(row.relativeError),
    ]),
  );
}

function tuningTable({ tuning }: MeasureRecord): string {
  return table(
    ["bucket", "best", "GFLOP/s", "÷ the planner's own", "measured", "rejected"],
    [
      ...tuning.buckets.map(({ bucket, best, gflops, gain, measured, rejected }) => [
        bucket,
        best,
        gflops.toFixed(0),
        gain.toFixed(2),
        `${measured}`,
        `${rejected}`,
      ]),
      ...tuning.skipped.map(({ bucket, reason }) => [bucket, reason, "", "", "", ""]),
    ],
  );
}

function spread({ median, q1, q3 }: Summary): string {
  return `${figure(median)} [${figure(q1)}, ${figure(q3)}]`;
}

function figure(value: number): string {
  return value !== 0 && Math.abs(value) < 0.001
    ? value.toExponential(2)
    : `${Number(value.toPrecision(4))}`;
}

/** A power of two, to see at once how many bits are right. */
function exponent(error: number): string {
  return error === 0 ? "0" : `2^${Math.log2(error).toFixed(1)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return "Nothing was measured.";
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
