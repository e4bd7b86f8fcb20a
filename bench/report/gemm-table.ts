import type { Copies, GemmRow } from "../record.ts";
import { shapeName } from "../shapes.ts";
import { number } from "./numbers.ts";
import type { TextTable } from "./tables.ts";

export const copiesTitles: Readonly<Record<Copies, string>> = {
  resident: "operands and product stay on the device",
  host: "from host arrays to host array",
};

/** A shape a line, a contender a column: GFLOP/s, and half the quartiles' distance. */
export function gemmTable(all: readonly GemmRow[], copies: Copies): TextTable {
  const rows = all.filter((row) => row.copies === copies);
  const names = [...new Set(rows.map(({ contender }) => contender))];
  const shapes = new Map(rows.map((row) => [shapeName(row.shape), row]));
  return {
    head: ["m×k×n", "set", ...names],
    rows: [...shapes].map(([shape, { set }]) => [
      shape,
      set,
      ...names.map((name) =>
        cell(rows.find((row) => row.contender === name && shapeName(row.shape) === shape)),
      ),
    ]),
  };
}

function cell(row: GemmRow | undefined): string {
  if (!row) return "";
  if (row.gflops === undefined || !row.seconds) return row.skipped ?? "–";
  const { q1, q3, median } = row.seconds;
  return `${number(row.gflops)} ±${((50 * (q3 - q1)) / median).toFixed(0)} %`;
}
