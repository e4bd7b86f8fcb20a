import { figure } from "../../bench/report/figure.ts";
import { squaresPlot } from "../../bench/report/gemm-plots.ts";
import { copiesTitles, gemmTable } from "../../bench/report/gemm-table.ts";
import { htmlTable } from "../../bench/report/html-table.ts";
import { combineTable, contendersTable } from "../../bench/report/tables.ts";
import type { PageResults } from "./main.ts";

/** What has been measured so far, as HTML; texts from outside are escaped. */
export function renderResults({ contenders, gemm, combine }: PageResults): string {
  return [
    ...(["resident", "host"] as const).map((copies) =>
      gemm.some((row) => row.copies === copies)
        ? `<section><h2>GEMM: ${copiesTitles[copies]}</h2>
           ${figure(squaresPlot(gemm, copies), CAPTION)}
           ${htmlTable(gemmTable(gemm, copies), "GFLOP/s by the median, ± half the distance of the quartiles")}
           </section>`
        : "",
    ),
    combine.length > 0
      ? `<section><h2>Encode and decode</h2>${htmlTable(
          combineTable({ combine }),
          "combine and a device copy of as many bytes",
        )}</section>`
      : "",
    `<section><h2>Contenders</h2>${htmlTable(
      contendersTable({ contenders }),
      "Who took part, and who could not",
    )}</section>`,
  ].join("");
}

const CAPTION = "Median and quartiles, both axes logarithmic. Thick: anyk. Dashed: on the CPU.";
