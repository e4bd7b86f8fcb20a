/** @file One style sheet for the report and the page, in both schemes. */

/** Colours of the series that a page can have, light and dark. The first is anyk's. */
const series: readonly (readonly [string, string])[] = [
  ["#0b57d0", "#8ab4f8"],
  ["#6a3fb5", "#c4a5ff"],
  ["#b3261e", "#ff8a80"],
  ["#9a5b00", "#ffc46b"],
  ["#1d6f3b", "#7fd99a"],
  ["#00707d", "#6fdbe8"],
  ["#8a1f6b", "#ff9bdc"],
  ["#4f5b66", "#b7c3cf"],
  ["#5b6b00", "#d0e062"],
  ["#7a4a3a", "#e0b0a0"],
  ["#3a3f8f", "#aab0ff"],
  ["#444444", "#dddddd"],
];

/** Of the parts of stacked bars. */
const parts: readonly (readonly [string, string])[] = [
  ["#b3261e", "#ff8a80"],
  ["#7b8794", "#a3afbb"],
  ["#0b57d0", "#8ab4f8"],
  ["#9a5b00", "#ffc46b"],
  ["#cdd3da", "#4a5560"],
];

export const SERIES_COUNT = series.length;

const colour = ([light, dark]: readonly [string, string]) => `light-dark(${light}, ${dark})`;

export const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1a1c1f, #e6e8eb);
  --soft: light-dark(#5a626b, #a3adb8); --rule: light-dark(#dfe3e8, #353b42);
  --paper: light-dark(#ffffff, #15181b); --raised: light-dark(#f5f7f9, #1e2226);
  --good: light-dark(#1d6f3b, #7fd99a); --bad: light-dark(#b3261e, #ff8a80); }
:root[data-scheme="light"] { color-scheme: light; }
:root[data-scheme="dark"] { color-scheme: dark; }
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem) 4rem; max-width: 76rem;
  background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p, .about { max-width: 48rem; }
.about { color: var(--soft); font-size: .9rem; }
a { color: light-dark(#0b57d0, #8ab4f8); }
code { font: .92em ui-monospace, monospace; }
.scroll { overflow-x: auto; margin: .75rem 0; }
.scroll:focus-visible, button:focus-visible, summary:focus-visible, select:focus-visible {
  outline: 2px solid light-dark(#0b57d0, #8ab4f8); outline-offset: 2px; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--rule); }
thead th { border-bottom: 2px solid var(--rule); }
tbody th { font-weight: 500; white-space: nowrap; }
td.pass { color: var(--good); font-weight: 600; }
td.fail { color: var(--bad); font-weight: 600; }
details { margin: .5rem 0 0; }
summary { cursor: pointer; color: var(--soft); font-size: .9rem; }
figure { margin: 1rem 0; }
figcaption { color: var(--soft); font-size: .9rem; max-width: 48rem; }
.plot { display: block; width: 100%; min-width: 36rem; max-width: 60rem; height: auto; margin: .5rem 0;
  background: var(--raised); border-radius: .5rem; }
.plot text { fill: var(--ink); font: 13px system-ui, sans-serif; }
.plot .grid { stroke: var(--rule); stroke-width: 1; }
.plot .line { fill: none; stroke-width: 1.6; }
.plot .line.anyk { stroke-width: 3; }
.plot .line.cpu { stroke-dasharray: 5 4; }
.plot .whisker { stroke-width: 1.4; opacity: .7; }
.plot .leader { fill: none; stroke-width: .8; opacity: .45; }
.plot .mark { stroke: var(--raised); stroke-width: .8; }
${series
  .map(
    (each, i) =>
      `.plot .s${i} { stroke: ${colour(each)}; } .plot .mark.s${i} { fill: ${colour(each)}; stroke: var(--raised); }`,
  )
  .join("\n")}
${parts.map((each, i) => `.plot .p${i} { fill: ${colour(each)}; }`).join("\n")}
`;
