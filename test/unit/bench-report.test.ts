import { describe, expect, test } from "vitest";

import { barsOf } from "../../bench/bars.ts";
import { renderHtml } from "../../bench/report/html.ts";
import { linePlot } from "../../bench/report/line-plot.ts";
import { renderMarkdown } from "../../bench/report/markdown.ts";
import { number, percent, seconds } from "../../bench/report/numbers.ts";
import { linearScale, logScale } from "../../bench/report/scales.ts";
import { stackedBars } from "../../bench/report/stacked-bars.ts";
import { benchRecord, gemmRow } from "../support/bench-record.ts";

const gemm = [64, 128, 256].flatMap((side) => [
  gemmRow("anyk", "anyk", [side, side, side], side / 10),
  gemmRow("peer <b>", "webgpu", [side, side, side], side / 40),
]);
const record = benchRecord({
  gemm,
  contenders: [
    { name: "absent", group: "webgpu", version: "", status: "unavailable", reason: "no | module" },
  ],
  remarks: ["a & b"],
});
const html = renderHtml({ ...record, bars: barsOf(record) });

describe("the report", () => {
  test("escapes what comes from outside", () => {
    expect(html).toContain("llvmpipe &lt;LLVM&gt;");
    expect(html).not.toContain("<b>");
    expect(html).toContain("a &amp; b");
  });

  test("stands alone: nothing is fetched and nothing runs", () => {
    expect(html).not.toMatch(/<script|<link rel="stylesheet|https?:|@import|url\(/);
    expect(html).toContain('name="color-scheme" content="light dark"');
  });

  test("puts a table beside each plot and names each plot", () => {
    const plots = html.match(/<svg /g)!.length;
    expect(html.match(/<svg [^>]*role="img" aria-label="[^"]+"/g)).toHaveLength(plots);
    expect(html.match(/<caption>/g)!.length).toBeGreaterThan(plots);
  });

  test("names an absent peer with its reason, in HTML and in Markdown", () => {
    expect(html).toMatch(/absent.*unavailable.*no \| module/);
    expect(renderMarkdown(record)).toContain("| absent |  | unavailable | no \\| module |");
  });

  test("leaves out sections in which nothing was measured", () => {
    expect(html).not.toContain("A coded product, taken apart");
    expect(renderMarkdown(record)).not.toContain("Coded products");
  });
});

describe("plots", () => {
  test("put equal ratios at equal distances on a logarithmic axis", () => {
    const { at, ticks } = logScale([1, 100], { from: 0, to: 100 });
    expect(at(1)).toBeCloseTo(0);
    expect(at(10)).toBeCloseTo(50);
    expect(at(100)).toBeCloseTo(100);
    expect(ticks).toEqual([1, 2, 5, 10, 20, 50, 100]);
  });

  test("label a linear axis from 0 in round steps", () => {
    expect(linearScale(23, { from: 0, to: 100 }).ticks).toEqual([0, 5, 10, 15, 20]);
    expect(linearScale(0, { from: 0, to: 1 }).ticks[0]).toBe(0);
  });

  test("draw a point that stands alone, and nothing where there are no points", () => {
    const series = { name: "one", group: "anyk" as const, index: 0 };
    const point = { x: 64, y: 2, low: 1, high: 3 };
    const plot = (points: readonly (typeof point)[]) =>
      linePlot({ title: "t", xLabel: "x", yLabel: "y", series: [{ ...series, points }] });
    expect(plot([point])).not.toContain("NaN");
    expect(plot([])).toBe("");
  });

  test("make stacked bars as long as their values", () => {
    const svg = stackedBars({
      title: "t",
      parts: ["first", "second"],
      bars: [{ name: "bar", values: [1, 3], total: "4" }],
      format: String,
    });
    const widths = [...svg.matchAll(/class="bar p\d" x="[\d.]+" y="34" width="([\d.]+)"/g)].map(
      ([, width]) => Number(width),
    );
    expect(widths[1]! / widths[0]!).toBeCloseTo(3, 1);
  });
});

describe("figures", () => {
  test.each([
    [0, "0"],
    [0.8333, "0.833"],
    [12.34, "12.3"],
    [1234.5, "1235"],
    [0.00012, "1.2e-4"],
    [Number.NaN, "–"],
  ])("%f is written %s", (value, text) => expect(number(value)).toBe(text));

  test("times take the unit that fits", () => {
    expect([seconds(1.5), seconds(0.0015), seconds(0.0000015), seconds(0)]).toEqual([
      "1.50 s",
      "1.50 ms",
      "1.50 µs",
      "0 s",
    ]);
    expect(percent(0.0421)).toBe("4.2 %");
  });
});
