import { CODES } from "./code-spec.ts";
import { type CliContext, printLines } from "./context.ts";
import { STRAGGLERS } from "./straggler-spec.ts";

/** `anyk codes`: every code in one line, then every straggler model. */
export function codesCommand({ stdout }: Pick<CliContext, "stdout">): void {
  const codes = CODES.map(({ form, threshold, summary }) => [form, threshold, summary]);
  const stragglers = STRAGGLERS.map(({ form, summary }) => [form, summary]);
  printLines(stdout, [
    ...table([["--code", "products that suffice", "what is cut"], ...codes]),
    "",
    ...table([["--straggle", "what the workers do"], ...stragglers]),
    "",
    "… is a value; what is in [ ] may be left out. --tasks fills tasks. Durations carry a unit",
    "(200ms, 1.5s, 2m). workers=4-5 or workers=0+3 names workers, counted from 0; default all.",
  ]);
}

/** Columns as wide as their widest cell, two spaces between them. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, col) => Math.max(...rows.map((row) => row[col]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, col) => cell.padEnd(widths?.[col] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}
