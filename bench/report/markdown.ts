import type { BenchRecord } from "../record.ts";
import { copiesTitles, gemmTable } from "./gemm-table.ts";
import {
  barsTable,
  codedTable,
  combineTable,
  contendersTable,
  referenceTable,
  startupTable,
  type TextTable,
  tuningTable,
} from "./tables.ts";

/** One run as tables. */
export function renderMarkdown(record: BenchRecord): string {
  return [
    `# anyk on ${record.adapter.description || record.adapter.slug}`,
    describeRun(record),
    section("Bars", barsTable(record)),
    ...(["resident", "host"] as const).map((copies) =>
      section(
        `GEMM, GFLOP/s, ${copiesTitles[copies]} (± half the quartiles' distance)`,
        gemmTable(record.gemm, copies),
      ),
    ),
    section("The planner's choice against the best candidate", tuningTable(record)),
    section("Encode and decode", combineTable(record)),
    section("Coded products", codedTable(record)),
    section("To the first product", startupTable(record)),
    section("Figures from elsewhere", referenceTable(record)),
    section("Contenders", contendersTable(record)),
    ...(record.remarks.length > 0
      ? [`## Remarks\n\n${record.remarks.map((remark) => `- ${remark}`).join("\n")}`]
      : []),
  ]
    .filter((part) => part !== "")
    .join("\n\n")
    .concat("\n");
}

/** Command, commit and machine, in one paragraph. */
export function describeRun(record: BenchRecord): string {
  const { machine, adapter, command, date, commit, quick } = record;
  const memory = Math.round(machine.memoryBytes / 2 ** 30);
  return (
    `\`${command}\`, ${date.slice(0, 16).replace("T", " ")} UTC, commit ${commit}` +
    `${quick ? ", quick" : ""}. ` +
    `${machine.cpu}, ${machine.cores} cores, ${memory} GiB; ${machine.os}; Node ${machine.node}. ` +
    `Adapter: ${adapter.description} (${adapter.vendor} ${adapter.architecture}), ` +
    `driver: ${adapter.driver}, subgroups of ${adapter.subgroupSizes}.`
  );
}

function section(title: string, { head, rows }: TextTable): string {
  if (rows.length === 0) return "";
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [`## ${title}\n`, line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
