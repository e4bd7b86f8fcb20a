import { stripVTControlCharacters } from "node:util";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Attempt } from "../../src/cli/attempts.ts";
import { renderTimeline, type TimelineData } from "../../src/cli/timeline.ts";

const plain = { width: 80, colour: false };

function attempt(task: number, rest: Partial<Attempt>): Attempt {
  return { task, worker: `cpu-${task}`, sentMs: 0, outcome: "used", ...rest };
}

/** The row of a task. */
function rowOf(lines: readonly string[], task: number): string {
  const row = lines.find((line) => line.startsWith(`   ${task}  `));
  if (row === undefined) throw new Error(`no row of task ${task} in\n${lines.join("\n")}`);
  return row;
}

function count(text: string, glyph: string): number {
  return text.split(glyph).length - 1;
}

const everyOutcome: TimelineData = {
  attempts: [
    attempt(0, { startedMs: 20, endedMs: 50, outcome: "used" }),
    attempt(1, { startedMs: 20, endedMs: 60, outcome: "unused" }),
    attempt(2, { startedMs: 20, endedMs: 70, outcome: "failed" }),
    attempt(3, { startedMs: 80, endedMs: 100, outcome: "aborted", expectedEndMs: 140 }),
    attempt(4, { endedMs: 100, outcome: "aborted", expectedEndMs: Number.POSITIVE_INFINITY }),
  ],
  unsent: [5],
  decision: { atMs: 100, label: "C decodable after 100 ms" },
};

describe("renderTimeline", () => {
  test("ends each bar with a sign of its own, that the legend explains", () => {
    const lines = renderTimeline(everyOutcome, plain);
    for (const [task, sign] of ["●", "○", "!", "x", "x"].entries()) {
      expect(rowOf(lines, task)).toContain(sign);
    }
    const legend = lines.slice(lines.indexOf("") + 1).join(" ");
    for (const words of [
      "─ waiting",
      "█ working",
      "● used for C",
      "○ finished, not used",
      "! failed",
      "x aborted",
      "· would have gone on",
    ]) {
      expect(legend).toContain(words);
    }
  });

  test("explains only signs that occur", () => {
    const lines = renderTimeline(
      { attempts: [attempt(0, { startedMs: 0, endedMs: 5 })], unsent: [] },
      plain,
    );
    expect(lines.at(-1)).toBe("█ working  ● used for C");
  });

  test("makes bars as long as they took", () => {
    const lines = renderTimeline(
      {
        attempts: [
          attempt(0, { startedMs: 0, endedMs: 1000 }),
          attempt(1, { startedMs: 0, endedMs: 500 }),
          attempt(2, { startedMs: 500, endedMs: 750 }),
        ],
        unsent: [],
      },
      { width: 120, colour: false },
    );
    const whole = count(rowOf(lines, 0), "█") + 1; // the end sign is part of the bar
    const parts = [
      [count(rowOf(lines, 1), "█") + 1, whole / 2],
      [count(rowOf(lines, 2), "─"), whole / 2],
      [count(rowOf(lines, 2), "█") + 1, whole / 4],
    ] as const;
    // Both ends are rounded to columns.
    for (const [columns, exact] of parts) expect(Math.abs(columns - exact)).toBeLessThanOrEqual(1);
  });

  test("marks the decision in one column of every row that is free there", () => {
    const lines = renderTimeline(everyOutcome, plain);
    const marker = lines.find((line) => line.includes("▲"))!;
    expect(marker).toContain("C decodable after 100 ms");
    const column = marker.indexOf("▲");
    for (const task of [0, 1, 2]) expect(rowOf(lines, task)[column]).toBe("│");
    // Those that were aborted then end there.
    for (const task of [3, 4]) expect(rowOf(lines, task)[column]).toBe("x");
  });

  test("shows what would have gone on, with an arrow where that leaves the axis", () => {
    const lines = renderTimeline(everyOutcome, plain);
    expect(rowOf(lines, 3)).toMatch(/x·+$/);
    expect(rowOf(lines, 4)).toMatch(/x·*→$/);
  });

  test("names tasks that were not begun", () => {
    expect(rowOf(renderTimeline(everyOutcome, plain), 5)).toContain("not begun");
  });

  test("has a row for each attempt at a task that was sent twice", () => {
    const attempts = [
      attempt(0, { endedMs: 5, outcome: "failed" }),
      attempt(0, { worker: "cpu-9", sentMs: 5, endedMs: 9 }),
    ];
    const lines = renderTimeline({ attempts, unsent: [] }, plain);
    expect(lines.filter((line) => line.startsWith("   0  "))).toHaveLength(2);
  });

  test("labels the axis in ms from 0, at the columns where these times are", () => {
    const [labels = "", ruler = ""] = renderTimeline(everyOutcome, plain);
    expect(labels).toContain("0 ms");
    expect(labels).toContain("100 ms");
    expect(ruler[labels.indexOf("0 ms")]).toBe("┬");
    expect(ruler[labels.indexOf("100 ms")]).toBe("┬");
    const rows = renderTimeline(everyOutcome, plain);
    expect(rowOf(rows, 4).indexOf("x")).toBe(labels.indexOf("100 ms"));
  });

  test("is the same with colour, apart from the colour", () => {
    const coloured = renderTimeline(everyOutcome, { width: 80, colour: true });
    expect(coloured.join("")).toContain("\u001b[");
    expect(coloured.map((line) => stripVTControlCharacters(line))).toEqual(
      renderTimeline(everyOutcome, plain),
    );
  });

  test("draws nothing but axis and rows of a run in which nothing took any time", () => {
    const lines = renderTimeline({ attempts: [attempt(0, { endedMs: 0 })], unsent: [] }, plain);
    expect(rowOf(lines, 0)).toContain("●");
  });

  test("is never wider than it may be, whatever the run and the names", () => {
    const ms = fc.double({ min: 0, max: 1e7, noNaN: true });
    const attempts = fc.array(
      fc.record({
        task: fc.nat(300),
        worker: fc.string({ maxLength: 60, unit: fc.constantFrom("a", "-", "é", "7") }),
        outcome: fc.constantFrom("used", "unused", "failed", "aborted", "running"),
        times: fc.array(ms, { minLength: 3, maxLength: 3 }),
        expected: fc.option(fc.oneof(ms, fc.constant(Number.POSITIVE_INFINITY))),
        started: fc.boolean(),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(
        attempts,
        fc.integer({ min: 1, max: 200 }),
        fc.option(ms),
        (drawn, width, atMs) => {
          const data: TimelineData = {
            attempts: drawn.map(({ task, worker, outcome, times, expected, started }) => {
              const [sentMs = 0, startedMs = 0, endedMs = 0] = times.toSorted((x, y) => x - y);
              return {
                task,
                worker,
                outcome: outcome as Attempt["outcome"],
                sentMs,
                endedMs,
                ...(started && { startedMs }),
                ...(expected !== null && { expectedEndMs: endedMs + expected }),
              };
            }),
            unsent: [301],
            ...(atMs !== null && { decision: { atMs, label: "C decodable after 1 s" } }),
          };
          for (const line of renderTimeline(data, { width, colour: false })) {
            expect(line.length).toBeLessThanOrEqual(width);
          }
        },
      ),
    );
  });
});
