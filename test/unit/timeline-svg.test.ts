import { describe, expect, test } from "vitest";
import type { Attempt } from "../../src/cli/attempts.ts";
import { renderTimelineSvg } from "../../src/cli/timeline-svg.ts";

const attempts: readonly Attempt[] = [
  { task: 0, worker: "w0", sentMs: 0, startedMs: 50, endedMs: 100, outcome: "used" },
  { task: 1, worker: "<b>", sentMs: 0, endedMs: 200, outcome: "aborted", expectedEndMs: 300 },
  { task: 2, worker: "w2", sentMs: 10, startedMs: 20, endedMs: 40, outcome: "failed" },
];
const svg = renderTimelineSvg({
  title: "A & B",
  attempts,
  unsent: [],
  decision: { atMs: 200, label: "C decodable after 200 ms" },
});

/** Left edges and widths of the bars of one kind. */
function bars(kind: string): { x: number; width: number }[] {
  const found = svg.matchAll(
    new RegExp(`<rect class="${kind}" x="([\\d.]+)" y="[\\d.]+" width="([\\d.]+)"`, "g"),
  );
  return [...found].map(([, x, width]) => ({ x: Number(x), width: Number(width) }));
}

describe("the timeline as a picture", () => {
  test("draws bars in proportion to their times", () => {
    const [first] = bars("running");
    const [waited] = bars("waiting");
    expect(waited!.width).toBeCloseTo(first!.width, 0); // 0–50 ms and 50–100 ms
    expect(first!.x).toBeCloseTo(waited!.x + waited!.width, 0);
    expect(bars("waiting")[1]!.width).toBeCloseTo(4 * first!.width, 0); // 0–200 ms
  });

  test("stays inside its width", () => {
    const width = Number(/ width="(\d+)"/.exec(svg)![1]);
    for (const { x, width: length } of [...bars("running"), ...bars("waiting")]) {
      expect(x + length).toBeLessThanOrEqual(width);
    }
  });

  test("is well-formed whatever the names, and says in words what it shows", () => {
    expect(svg).toContain('<title id="title">A &amp; B</title>');
    expect(svg).toContain("task 1 on &lt;b&gt;: aborted after 200 ms");
    expect(svg).not.toContain("<b>");
    expect(svg.match(/<[a-z]/g)!.length).toBe(
      svg.match(/<\/[a-z]/g)!.length + svg.match(/\/>/g)!.length,
    );
  });

  test("explains the signs that occur and no others", () => {
    for (const sign of ["used for C", "aborted", "failed", "would have gone on"]) {
      expect(svg).toContain(`>${sign}</text>`);
    }
    expect(svg).not.toContain("finished, not used");
  });

  test("has colours for light and dark pages", () => {
    expect(svg).toContain("@media (prefers-color-scheme: dark)");
  });
});
