import type { Attempt } from "./attempts.ts";
import { type LineOptions, type Span, type Style, styledLine, wrapItems } from "./styled-line.ts";
import { formatMs } from "./units.ts";

/** What a timeline shows. */
export interface TimelineData {
  /** One bar each, in this order. */
  readonly attempts: readonly Attempt[];
  /** Tasks that were sent to nobody. */
  readonly unsent: readonly number[];
  /** The moment that ended the race, marked in every row. */
  readonly decision?: { readonly atMs: number; readonly label: string };
}

/** Every sign is distinct without colour. */
const SIGNS = {
  waiting: { glyph: "─", style: "dim", meaning: "waiting" },
  running: { glyph: "█", style: "blue", meaning: "working" },
  used: { glyph: "●", style: "green", meaning: "used for C" },
  unused: { glyph: "○", style: "dim", meaning: "finished, not used" },
  aborted: { glyph: "x", style: "yellow", meaning: "aborted" },
  failed: { glyph: "!", style: "red", meaning: "failed" },
  expected: { glyph: "·", style: "dim", meaning: "would have gone on" },
  decision: { glyph: "│", style: "cyan", meaning: "" },
} as const satisfies Record<string, { glyph: string; style: Style; meaning: string }>;
type Sign = keyof typeof SIGNS;

/** What would have gone on for longer than this many times the race is cut off at the edge. */
const LONGEST_AXIS = 2.5;
/** Labels have two decimals; finer ticks would all say the same. */
const LEAST_AXIS_MS = 1;
const LEAST_BAR_COLUMNS = 10;
const LEAST_TICK_COLUMNS = 11;

/**
 * Draws one bar a task over a common time axis, then the marker of the decision and a legend of the
 * signs that occur. No line is wider than `width`.
 */
export function renderTimeline(data: TimelineData, options: LineOptions): string[] {
  const { attempts, unsent, decision } = data;
  const names = attempts.map(({ worker }) => worker);
  const nameWidth = Math.min(
    Math.max(6, ...names.map((name) => name.length)),
    Math.max(6, Math.floor(options.width / 5)),
  );
  const head = (task: string, worker: string) =>
    `${task.padStart(4)}  ${padded(worker, nameWidth)}  `;
  const columns = Math.max(LEAST_BAR_COLUMNS, options.width - head("", "").length);
  const axisMs = axisLength(data);
  const column = (ms: number) => Math.round((Math.min(ms, axisMs) / axisMs) * (columns - 1));
  const decisionColumn = decision && column(decision.atMs);
  const seen = new Set<Sign>();

  const rows = attempts.map((attempt) => {
    const cells = drawBar(attempt, { columns, column, beyond: axisMs });
    if (decisionColumn !== undefined && (cells[decisionColumn] ?? "expected") === "expected") {
      cells[decisionColumn] = "decision";
    }
    for (const cell of cells) if (cell) seen.add(cell);
    return [
      { text: head(String(attempt.task), attempt.worker) },
      ...spansOf(cells, attempt, axisMs),
    ];
  });
  const idle = unsent.map((task): Span[] => [
    { text: head(String(task), "–") },
    { text: "not begun", style: "dim" },
  ]);
  const ticks = drawAxis(axisMs, columns, column);
  const lines = [
    [{ text: head("task", "worker") + ticks.labels, style: "dim" as const }],
    [{ text: head("", "") + ticks.ruler, style: "dim" as const }],
    ...rows,
    ...idle,
  ].map((spans) => styledLine(spans, options));
  if (decision && decisionColumn !== undefined) {
    const at = head("", "").length + decisionColumn;
    const text = markerText(decision.label, at, options.width);
    lines.push(styledLine([{ text, style: "cyan" }], options));
  }
  return [...lines, "", ...legend(seen, options)];
}

/** Where the time axis ends, in ms: at the last event, or at what was expected if not too far off. */
export function axisLength({ attempts, decision }: TimelineData): number {
  const happened = [
    decision?.atMs ?? 0,
    ...attempts.map(({ sentMs, startedMs, endedMs }) => endedMs ?? startedMs ?? sentMs),
  ].reduce((longest, ms) => Math.max(longest, ms), 0);
  const expected = attempts.reduce((longest, a) => Math.max(longest, a.expectedEndMs ?? 0), 0);
  const shown = Math.max(happened, Math.min(expected, LONGEST_AXIS * happened));
  return Math.max(shown, LEAST_AXIS_MS);
}

function drawBar(
  attempt: Attempt,
  axis: {
    readonly columns: number;
    readonly column: (ms: number) => number;
    readonly beyond: number;
  },
): (Sign | undefined)[] {
  const { columns, column, beyond } = axis;
  const { sentMs, startedMs, endedMs, expectedEndMs, outcome } = attempt;
  const cells: (Sign | undefined)[] = Array.from({ length: columns });
  const endColumn = column(endedMs ?? beyond);
  cells.fill("waiting", column(sentMs), endColumn + 1);
  if (startedMs !== undefined) cells.fill("running", column(startedMs), endColumn + 1);
  if (outcome !== "running") cells[endColumn] = outcome;
  if (expectedEndMs !== undefined) cells.fill("expected", endColumn + 1, column(expectedEndMs) + 1);
  return cells;
}

/** Runs of one sign as spans; an arrow where the bar goes on beyond the axis. */
function spansOf(cells: readonly (Sign | undefined)[], attempt: Attempt, axisMs: number): Span[] {
  const goesOn = (attempt.expectedEndMs ?? 0) > axisMs && cells.at(-1) === "expected";
  const spans: { text: string; sign: Sign | undefined }[] = [];
  for (const [at, sign] of cells.entries()) {
    const glyph = goesOn && at === cells.length - 1 ? "→" : sign ? SIGNS[sign].glyph : " ";
    const last = spans.at(-1);
    if (last && last.sign === sign) last.text += glyph;
    else spans.push({ text: glyph, sign });
  }
  return spans.map(({ text, sign }) => (sign ? { text, style: SIGNS[sign].style } : { text }));
}

function drawAxis(
  axisMs: number,
  columns: number,
  column: (ms: number) => number,
): { readonly labels: string; readonly ruler: string } {
  const stepMs = niceStep((axisMs * LEAST_TICK_COLUMNS) / columns);
  let labels = "";
  const ruler = Array<string>(columns).fill("─");
  for (let tick = 0; tick * stepMs <= axisMs; tick++) {
    const at = column(tick * stepMs);
    const label = formatMs(tick * stepMs);
    ruler[at] = "┬";
    if (at + label.length <= columns) labels = labels.padEnd(at) + label;
  }
  return { labels, ruler: ruler.join("") };
}

/** The smallest of 1, 2, 5, 10, 20, 50, … (and 0.5, 0.2, …) that is at least `least` > 0. */
export function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

/** "▲ label" below the column, or "label ▲" where that does not fit on the right. */
function markerText(label: string, at: number, width: number): string {
  if (at + 2 + label.length <= width || at < label.length + 1) return `${" ".repeat(at)}▲ ${label}`;
  return `${" ".repeat(at - label.length - 1)}${label} ▲`;
}

function legend(seen: ReadonlySet<Sign>, options: LineOptions): string[] {
  const signs = Object.entries(SIGNS).filter(
    ([sign, { meaning }]) => seen.has(sign as Sign) && meaning !== "",
  );
  return wrapItems(
    signs.map(([, { glyph, style, meaning }]) => [{ text: glyph, style }, { text: ` ${meaning}` }]),
    options,
  );
}

function padded(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}
