import type { Copies, GemmRow, Group } from "../record.ts";
import { shapeName } from "../shapes.ts";
import { dotPlot } from "./dot-plot.ts";
import { copiesTitles } from "./gemm-table.ts";
import { linePlot } from "./line-plot.ts";
import { SERIES_COUNT } from "./style.ts";

/** The rates of square products over their size, a line a contender. */
export function squaresPlot(all: readonly GemmRow[], copies: Copies): string {
  const index = seriesIndex(all);
  const rows = all.filter(
    ({ copies: of, shape: { m, k, n } }) => of === copies && m === k && k === n,
  );
  return linePlot({
    title: `GFLOP/s of square products by size, ${copiesTitles[copies]}`,
    xLabel: "N, of products N×N×N",
    yLabel: "GFLOP/s",
    series: [...index].map(([name, i]) => ({
      name,
      index: i,
      group: groupOf(all, name),
      points: rows
        .filter(({ contender }) => contender === name)
        .flatMap(({ shape, gflops, seconds }) => {
          if (gflops === undefined || !seconds) return [];
          const at = (time: number) => (gflops * seconds.median) / time;
          return [{ x: shape.m, y: gflops, low: at(seconds.q3), high: at(seconds.q1) }];
        })
        .sort((p, q) => p.x - q.x),
    })),
  });
}

/** The rates of all other products, a line a shape. */
export function othersPlot(all: readonly GemmRow[]): string {
  const index = seriesIndex(all);
  const rows = all.filter(
    ({ copies, set, group }) => copies === "resident" && set !== "square" && group !== "cpu",
  );
  const shapes = [...new Set(rows.map(({ shape }) => shapeName(shape)))];
  return dotPlot({
    title: "GFLOP/s of products that are not square, on the device",
    xLabel: "GFLOP/s",
    rows: shapes.map((name) => ({
      name,
      dots: rows
        .filter(({ shape, gflops }) => shapeName(shape) === name && gflops !== undefined)
        .map(({ contender, gflops }) => ({
          name: contender,
          series: index.get(contender)!,
          x: gflops!,
        })),
    })),
  });
}

/** The same colour for a contender in every plot. */
function seriesIndex(rows: readonly GemmRow[]): Map<string, number> {
  const names = [...new Set(rows.map(({ contender }) => contender))];
  const order: readonly Group[] = ["anyk", "webgpu", "cpu"];
  names.sort((p, q) => order.indexOf(groupOf(rows, p)) - order.indexOf(groupOf(rows, q)));
  return new Map(names.map((name, i) => [name, i % SERIES_COUNT]));
}

function groupOf(rows: readonly GemmRow[], name: string): Group {
  return rows.find(({ contender }) => contender === name)!.group;
}
