import type { Attempt } from "./attempts.ts";
import { axisLength, niceStep, type TimelineData } from "./timeline.ts";
import { formatMs } from "./units.ts";

const WIDTH = 880;
const LABELS = 150;
const RIGHT = 24;
const ROW = 26;
const TOP = 70;
const BAR = 14;

/** Two palettes, as the page that shows the picture may be light or dark; both have 4.5:1 for text. */
const STYLE = `
  .paper { fill: #ffffff; } text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; } .dim { fill: #59636e; } .grid { stroke: #d1d9e0; }
  .waiting { fill: #d1d9e0; } .running { fill: #54aeff; } .used { fill: #1a7f37; } .failed { fill: #cf222e; }
  .aborted { stroke: #9a6700; stroke-width: 2; } .expected { stroke: #818b98; stroke-dasharray: 2 4; stroke-width: 2; }
  .unused { fill: #818b98; } .decision { stroke: #8250df; stroke-width: 2; } .decided { fill: #8250df; font-weight: 600; }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; } text { fill: #f0f6fc; } .dim { fill: #9198a1; } .grid { stroke: #3d444d; }
    .waiting { fill: #3d444d; } .running { fill: #1f6feb; } .used { fill: #3fb950; } .failed { fill: #f85149; }
    .aborted { stroke: #d29922; } .decision { stroke: #ab7df8; } .decided { fill: #ab7df8; }
  }`;

/**
 * A timeline as an SVG document of its own: one bar a task, from being sent to its end, and the moment
 * that decided the race. Reads in light and dark, and has a text alternative.
 */
export function renderTimelineSvg(data: TimelineData & { readonly title: string }): string {
  const { attempts, decision, title } = data;
  const axisMs = axisLength(data);
  const x = (ms: number) =>
    round(LABELS + (Math.min(ms, axisMs) / axisMs) * (WIDTH - LABELS - RIGHT));
  const bottom = TOP + attempts.length * ROW;
  const height = bottom + 64;
  const parts = [
    `<rect class="paper" width="${WIDTH}" height="${height}" rx="6"/>`,
    `<text class="title" x="20" y="28">${escapeXml(title)}</text>`,
    ...ticks(axisMs).map(
      (ms) =>
        `<line class="grid" x1="${x(ms)}" x2="${x(ms)}" y1="${TOP - 8}" y2="${bottom}"/>` +
        `<text class="dim" x="${x(ms)}" y="${TOP - 14}" text-anchor="middle">${formatMs(ms)}</text>`,
    ),
  ];
  const bars = attempts.map((attempt, row) => bar(attempt, TOP + row * ROW, x, axisMs)).join("\n");
  if (decision) {
    const at = x(decision.atMs);
    const [anchor, shift] = at > WIDTH / 2 ? ["end", -6] : ["start", 6];
    parts.push(
      `<line class="decision" x1="${at}" x2="${at}" y1="${TOP - 8}" y2="${bottom + 14}"/>`,
      `<text class="decided" x="${at + shift}" y="${bottom + 14}" text-anchor="${anchor}">${escapeXml(decision.label)}</text>`,
    );
  }
  parts.push(bars, legend(bottom + 44, bars));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escapeXml(title)}</title>`,
    `<desc id="description">${escapeXml(describe(data))}</desc>`,
    `<style>${STYLE}\n</style>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function bar(attempt: Attempt, top: number, x: (ms: number) => number, axisMs: number): string {
  const { task, worker, sentMs, startedMs, endedMs = axisMs, expectedEndMs, outcome } = attempt;
  const middle = top + BAR / 2;
  const workFrom = startedMs ?? endedMs;
  const end = x(endedMs);
  const parts = [
    `<text x="20" y="${top + 12}">task ${task} <tspan class="dim">${escapeXml(worker)}</tspan></text>`,
    box("waiting", x(sentMs), x(workFrom), top + 4, BAR - 8),
    box("running", x(workFrom), end, top, BAR),
  ];
  if (outcome === "aborted") {
    parts.push(
      `<path class="aborted" d="M${end - 5} ${middle - 5}l10 10m0 -10l-10 10"/>`,
      ...(expectedEndMs === undefined
        ? []
        : [
            `<line class="expected" x1="${end + 9}" x2="${x(expectedEndMs)}" y1="${middle}" y2="${middle}"/>`,
          ]),
    );
  } else if (outcome !== "running") {
    parts.push(`<circle class="${outcome}" cx="${end}" cy="${middle}" r="6"/>`);
  }
  return parts.join("");
}

function box(kind: string, from: number, to: number, top: number, height: number): string {
  if (to <= from) return "";
  return `<rect class="${kind}" x="${from}" y="${top}" width="${round(to - from)}" height="${height}" rx="2"/>`;
}

/** What each sign means; only those that occur are explained. */
const LEGEND = [
  ["waiting", '<rect class="waiting" y="-8" width="14" height="6"/>', "waiting"],
  ["running", '<rect class="running" y="-12" width="14" height="14"/>', "working"],
  ["used", '<circle class="used" cx="7" cy="-5" r="6"/>', "used for C"],
  ["unused", '<circle class="unused" cx="7" cy="-5" r="6"/>', "finished, not used"],
  ["failed", '<circle class="failed" cx="7" cy="-5" r="6"/>', "failed"],
  ["aborted", '<path class="aborted" d="M2 -10l10 10m0 -10l-10 10"/>', "aborted"],
  ["expected", '<line class="expected" y1="-5" y2="-5" x2="16"/>', "would have gone on"],
] as const;
/** Wide enough for any letter of the text size. */
const LETTER = 7.5;

function legend(y: number, drawn: string): string {
  let x = 20;
  const parts: string[] = [];
  for (const [kind, sign, meaning] of LEGEND) {
    if (!drawn.includes(`class="${kind}"`)) continue;
    const text = `<text class="dim" x="22">${meaning}</text>`;
    parts.push(`<g transform="translate(${x} ${y})">${sign}${text}</g>`);
    x += 40 + LETTER * meaning.length;
  }
  return parts.join("");
}

function ticks(axisMs: number): number[] {
  const step = niceStep(axisMs / 7);
  return Array.from({ length: Math.floor(axisMs / step) + 1 }, (_, i) => i * step);
}

/** What the picture shows, for those who do not see it. */
function describe({ attempts, decision }: TimelineData): string {
  const each = attempts.map(({ task, worker, endedMs, outcome }) => {
    const when = endedMs === undefined ? "" : ` after ${formatMs(endedMs)}`;
    return `task ${task} on ${worker}: ${outcome}${when}`;
  });
  return [...each, ...(decision ? [decision.label] : [])].join("; ");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
