import { codedTotal } from "../bars.ts";
import type { BenchRecord } from "../record.ts";
import { shapeName } from "../shapes.ts";
import { figure } from "./figure.ts";
import { othersPlot, squaresPlot } from "./gemm-plots.ts";
import { copiesTitles, gemmTable } from "./gemm-table.ts";
import { htmlTable } from "./html-table.ts";
import { describeRun } from "./markdown.ts";
import { number, percent, seconds, tick } from "./numbers.ts";
import { stackedBars } from "./stacked-bars.ts";
import { STYLE } from "./style.ts";
import { escapeText } from "./svg.ts";
import {
  barsTable,
  codedTable,
  combineTable,
  contendersTable,
  referenceTable,
  startupTable,
  tuningTable,
} from "./tables.ts";

/** One run as one file: nothing is fetched, no script runs. */
export function renderHtml(record: BenchRecord): string {
  const title = `anyk on ${record.adapter.description || record.adapter.slug}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeText(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escapeText(title)}</h1>
<p class="about">${escapeText(describeRun(record)).replace(/`(.*?)`/, "<code>$1</code>")}</p>
</header>
<main>
${sections(record).filter(Boolean).join("\n")}
</main>
</body>
</html>
`;
}

function sections(record: BenchRecord): string[] {
  const { gemm } = record;
  return [
    section("Bars", [
      `<p>What anyk promises about speed, held against this run.</p>`,
      htmlTable(barsTable(record), "Bars and what was measured"),
    ]),
    ...(["resident", "host"] as const).map((copies) =>
      section(`GEMM: ${copiesTitles[copies]}`, [
        figure(squaresPlot(gemm, copies), CAPTION),
        htmlTable(
          gemmTable(gemm, copies),
          "GFLOP/s by the median, ± half the distance of the quartiles",
        ),
      ]),
    ),
    section("GEMM: skinny, odd and the papers' shapes", [
      figure(
        othersPlot(gemm),
        "On the device; WebGPU contenders. The table above has the figures.",
      ),
    ]),
    section("The planner's choice", [
      figure(tuningPlot(record), "Its rate as a part of the best candidate's, shape by shape."),
      htmlTable(tuningTable(record), "The choice and the best of the sweep"),
    ]),
    section("Encode and decode", [
      figure(
        combinePlot(record),
        "Bytes of inputs and outputs a second. A copy on the device reads and writes as many.",
      ),
      htmlTable(combineTable(record), "combine and a device copy of as many bytes"),
    ]),
    section("A coded product, taken apart", [
      figure(
        codedPlot(record),
        "Stage by stage on one device: all tasks encoded, as many multiplied as suffice. " +
          "“engine” is the same job through createEngine; its transfers are within compute.",
      ),
      htmlTable(codedTable(record), "Medians; error as a part of the product's size"),
    ]),
    section("To the first product", [
      figure(
        startupPlot(record),
        "Each in a process of its own, Dawn and driver loaded beforehand: opening the library and " +
          "its device, then the first product with compilation.",
      ),
      htmlTable(startupTable(record), "Start, first and second product"),
    ]),
    section("Figures from elsewhere", [
      record.reference ? `<p>${escapeText(record.reference.source)}</p>` : "",
      htmlTable(referenceTable(record), "Handed in with --reference"),
    ]),
    section("Contenders", [htmlTable(contendersTable(record), "Who took part, and who could not")]),
    section(
      "Remarks",
      record.remarks.map((remark) => `<p>${escapeText(remark)}</p>`),
    ),
  ];
}

const CAPTION =
  "Median and quartiles, both axes logarithmic. Thick: anyk. Dashed: on the CPU, for which host " +
  "arrays are where it computes. ONNX Runtime checks no bounds: compare it with “no bounds checks”.";

function tuningPlot({ tuning }: BenchRecord): string {
  return stackedBars({
    title: "The choice's rate by the best candidate's",
    parts: ["", "", "ratio"],
    bars: tuning.map(({ shape, ratio }) => ({
      name: shapeName(shape),
      values: [0, 0, ratio],
      total: percent(ratio),
    })),
    format: (value) => `${Math.round(100 * value)} %`,
  });
}

function combinePlot({ combine }: BenchRecord): string {
  return stackedBars({
    title: "GB/s of combine and of a device copy",
    parts: ["", "", "GB/s"],
    bars: combine.flatMap((row) => [
      {
        name: `${row.what}, ${row.blockBytes / 2 ** 20} MiB blocks`,
        values: [0, 0, row.gbPerSecond],
        total: `${number(row.gbPerSecond)} GB/s`,
      },
      {
        name: "device copy",
        values: [0, row.copyGbPerSecond, 0],
        total: `${number(row.copyGbPerSecond)} GB/s`,
      },
    ]),
    format: tick,
  });
}

/** A plot for each size, as their times differ by orders of magnitude. */
function codedPlot({ coded }: BenchRecord): string {
  const sizes = [...new Set(coded.map(({ size }) => size))];
  return sizes
    .map((size) =>
      stackedBars({
        title: `Coded products of ${size}×${size}: encode, transfer, compute, decode`,
        parts: ["encode", "transfer", "compute", "decode", "other"],
        bars: coded
          .filter((row) => row.size === size)
          .map((row) => ({
            name: `N = ${size}, ${row.code.replace(", points=chebyshev", "")}, ${row.how}`,
            values: [
              row.encodeSeconds,
              row.transferSeconds,
              row.computeSeconds,
              row.decodeSeconds,
              row.otherSeconds,
            ],
            total: seconds(codedTotal(row)),
          })),
        format: seconds,
      }),
    )
    .join("");
}

function startupPlot({ startup }: BenchRecord): string {
  return stackedBars({
    title: "Time to the first product",
    parts: ["", "start", "first product"],
    bars: startup.flatMap(({ contender, cache, openMs, firstMs }) =>
      openMs === undefined || firstMs === undefined
        ? []
        : [
            {
              name: `${contender}, ${cache} cache`,
              values: [0, openMs / 1000, firstMs / 1000],
              total: seconds((openMs + firstMs) / 1000),
            },
          ],
    ),
    format: seconds,
  });
}

/** "" where nothing was measured. */
function section(title: string, parts: readonly string[]): string {
  const content = parts.filter((part) => part !== "");
  const measured = content.some((part) => part.startsWith("<figure") || part.includes("<table"));
  if (!measured && title !== "Remarks") return "";
  if (content.length === 0) return "";
  return `<section><h2>${escapeText(title)}</h2>\n${content.join("\n")}\n</section>`;
}
