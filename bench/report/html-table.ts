import { escapeText } from "./svg.ts";
import type { TextTable } from "./tables.ts";

/** A table that scrolls by itself where it is wider than the page; "" for one without rows. */
export function htmlTable({ head, rows }: TextTable, caption: string): string {
  if (rows.length === 0) return "";
  const cell = (text: string, i: number) =>
    i === 0
      ? `<th scope="row">${escapeText(text)}</th>`
      : `<td${text === "pass" || text === "fail" ? ` class="${text}"` : ""}>${escapeText(text)}</td>`;
  return [
    `<div class="scroll" tabindex="0" role="region" aria-label="${escapeText(caption)}"><table>`,
    `<caption>${escapeText(caption)}</caption>`,
    `<thead><tr>${head.map((text) => `<th scope="col">${escapeText(text)}</th>`).join("")}</tr></thead>`,
    `<tbody>${rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`).join("\n")}</tbody>`,
    "</table></div>",
  ].join("");
}
