import { describe, expect, test } from "vitest";

import { nextPoll } from "../../src/kernels/device/dawn-polling.ts";

describe("nextPoll", () => {
  const waits = [0, 0.5, 0.8, 1.9, 2.1, 9.9, 10.1, 500];

  test("spins for a moment, then waits for timers", () => {
    expect(waits.map((waitedMs) => nextPoll(waitedMs, false))).toEqual([
      ...["spin", "spin", "spin", "spin"],
      ...["timer", "timer", "timer", "timer"],
    ]);
  });

  test("naps in between where a driver computes on this machine's cores", () => {
    expect(waits.map((waitedMs) => nextPoll(waitedMs, true))).toEqual([
      ...["spin", "spin"],
      ...["nap", "nap", "nap", "nap"],
      ...["timer", "timer"],
    ]);
  });
});
