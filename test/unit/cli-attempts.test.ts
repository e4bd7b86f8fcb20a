import { describe, expect, test } from "vitest";

import { attemptsOf, waitForAll } from "../../src/cli/attempts.ts";
import type { TaskEvent } from "../../src/index.ts";

/** "0 a sent 5" → an event. */
function events(...lines: readonly string[]): TaskEvent[] {
  return lines.map((line) => {
    const [task, worker = "", kind, atMs] = line.split(" ");
    return { task: Number(task), worker, kind: kind as TaskEvent["kind"], atMs: Number(atMs) };
  });
}

const unknown = () => undefined;

describe("attemptsOf", () => {
  test("puts the events of each task together, in the order of tasks", () => {
    const timeline = events(
      "1 b sent 0",
      "0 a sent 1",
      "1 b started 4",
      "1 b finished 6",
      "0 a started 7",
      "0 a failed 9",
    );
    expect(attemptsOf({ timeline, used: [1], delayOf: unknown })).toEqual([
      { task: 0, worker: "a", sentMs: 1, startedMs: 7, endedMs: 9, outcome: "failed" },
      { task: 1, worker: "b", sentMs: 0, startedMs: 4, endedMs: 6, outcome: "used" },
    ]);
  });

  test("tells products that C was made of from those that were not needed", () => {
    const timeline = events("0 a sent 0", "1 b sent 0", "0 a finished 1", "1 b finished 2");
    const outcomes = attemptsOf({ timeline, used: [1], delayOf: unknown }).map((a) => a.outcome);
    expect(outcomes).toEqual(["unused", "used"]);
  });

  test("keeps what nothing more was heard of as running", () => {
    const timeline = events("0 a sent 3");
    expect(attemptsOf({ timeline, used: [], delayOf: unknown })).toEqual([
      { task: 0, worker: "a", sentMs: 3, outcome: "running" },
    ]);
  });

  test("keeps a second attempt at a task apart from the first", () => {
    const timeline = events("0 a sent 0", "0 a failed 1", "0 b sent 2", "0 b finished 4");
    expect(attemptsOf({ timeline, used: [0], delayOf: unknown })).toMatchObject([
      { worker: "a", outcome: "failed", endedMs: 1 },
      { worker: "b", outcome: "used", sentMs: 2, endedMs: 4 },
    ]);
  });

  test("expects an aborted task after its delay and the work that others took", () => {
    const timeline = events(
      "0 a sent 0",
      "1 b sent 2",
      "0 a finished 15", // 10 of delay, so 5 of work
      "1 b aborted 15",
    );
    const delays = [10, 30];
    const [, aborted] = attemptsOf({ timeline, used: [0], delayOf: (task) => delays[task] });
    expect(aborted).toMatchObject({ outcome: "aborted", expectedEndMs: 2 + 30 + 5 });
  });

  test("knows that a silent worker would never have answered", () => {
    const timeline = events("0 a sent 0", "0 a aborted 9");
    const [attempt] = attemptsOf({ timeline, used: [], delayOf: () => Number.POSITIVE_INFINITY });
    expect(attempt?.expectedEndMs).toBe(Number.POSITIVE_INFINITY);
  });

  test.each([
    ["its delay is not known", unknown],
    ["none was injected into it", () => 0],
    ["it is overdue already", () => 20],
  ])("expects nothing of an aborted task when %s", (_, delayOf) => {
    const timeline = events("0 a sent 0", "1 b sent 0", "0 a finished 1", "1 b aborted 50");
    const [, aborted] = attemptsOf({ timeline, used: [0], delayOf });
    expect(aborted).not.toHaveProperty("expectedEndMs");
  });
});

describe("waitForAll", () => {
  const done = { task: 0, worker: "a", sentMs: 0, endedMs: 5, outcome: "used" } as const;
  const aborted = { task: 1, worker: "b", sentMs: 0, endedMs: 5, outcome: "aborted" } as const;

  test("is measured when every task ended", () => {
    expect(waitForAll([done], 1)).toEqual({ ms: 5, kind: "measured" });
  });

  test("is estimated from what is known of aborted tasks", () => {
    const attempts = [done, { ...aborted, expectedEndMs: 40 }];
    expect(waitForAll(attempts, 2)).toEqual({ ms: 40, kind: "estimated" });
  });

  test("is at least so long when the end of an aborted task is not known", () => {
    expect(waitForAll([done, aborted], 2)).toEqual({ ms: 5, kind: "at least" });
  });

  test("is at least so long when tasks were not begun", () => {
    expect(waitForAll([done], 2)).toEqual({ ms: 5, kind: "at least" });
  });

  test("is forever when a worker never answers, whatever else is not known", () => {
    const silent = { ...aborted, expectedEndMs: Number.POSITIVE_INFINITY };
    expect(waitForAll([done, silent], 9).ms).toBe(Number.POSITIVE_INFINITY);
  });
});
