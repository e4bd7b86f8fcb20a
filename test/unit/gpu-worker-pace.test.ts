import { expect, test } from "vitest";

import { LearnedPace } from "../../src/workers/gpu-pace.ts";

/** A device that takes `msOf(flops)` for each submit, one after the other, in time of its own. */
function simulated(software: boolean, msOf: (flops: number) => number) {
  let nowMs = 0;
  const pace = new LearnedPace(software, () => nowMs);
  const submit = async (flops: number) => {
    const observed = pace.observe(flops, Promise.resolve());
    nowMs += msOf(flops);
    await observed;
  };
  return { pace, submit };
}

test.each([
  { software: true, flopsPerMs: 2e5 },
  { software: true, flopsPerMs: 2e7 },
  { software: false, flopsPerMs: 1e7 },
  { software: false, flopsPerMs: 3e10 },
])("submits come to run 25 to 50 ms: $software, $flopsPerMs", async ({ software, flopsPerMs }) => {
  const { pace, submit } = simulated(software, (flops) => flops / flopsPerMs);
  for (let i = 0; i < 20; i++) await submit(pace.flopsPerSubmit);
  const ms = pace.flopsPerSubmit / flopsPerMs;
  expect(ms).toBeGreaterThan(25 / 1.01);
  expect(ms).toBeLessThanOrEqual(50 * 1.01);
});

test("small products say nothing about the speed of large ones", async () => {
  const { pace, submit } = simulated(false, () => 2);
  const before = pace.flopsPerSubmit;
  for (let i = 0; i < 50; i++) await submit(1000);
  expect(pace.flopsPerSubmit).toBe(before);
});

test("one slow submit, as when a driver compiles, is soon forgotten", async () => {
  let slow = true;
  const { pace, submit } = simulated(true, (flops) => (slow ? 10_000 : flops / 1e6));
  const usual = pace.flopsPerSubmit;
  await submit(usual);
  expect(pace.flopsPerSubmit).toBe(usual / 4);
  slow = false;
  for (let i = 0; i < 3; i++) await submit(pace.flopsPerSubmit);
  expect(pace.flopsPerSubmit).toBe(usual);
});

test("a submit is not charged with the time it waits for others", async () => {
  let nowMs = 0;
  const pace = new LearnedPace(true, () => nowMs);
  const flops = pace.flopsPerSubmit;
  const ends: (() => void)[] = [];
  const observed = [0, 1, 2].map(() =>
    pace.observe(flops, new Promise<void>((resolve) => ends.push(resolve))),
  );
  for (const [i, end] of ends.entries()) {
    nowMs += flops / 1e6;
    end();
    await observed[i];
  }
  expect(pace.flopsPerSubmit).toBe(flops);
});
