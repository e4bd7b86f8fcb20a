import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";

import type { GemmTuning } from "../../src/kernels/tuning/tuning.ts";
import { loadTuning } from "../../src/kernels/tuning/tuning-cache.ts";
import { GpuLease } from "../../src/workers/gpu-lease.ts";
import { fakeDevice } from "../support/fake-device.ts";

vi.mock("../../src/kernels/tuning/tuning-cache.ts", { spy: true });

/** A cache that answers when it is told to. */
function cache(): { answer(tuning: GemmTuning | undefined): void } {
  let answer: (tuning: GemmTuning | undefined) => void = () => {};
  const loading = new Promise<GemmTuning | undefined>((resolve) => {
    answer = resolve;
  });
  vi.mocked(loadTuning).mockReturnValueOnce(loading);
  return { answer };
}

async function openLease() {
  const { device } = fakeDevice();
  const lease = new GpuLease({ device });
  onTestFinished(lease.retain());
  return lease.current();
}

const tuned: GemmTuning = { choices: { "f32 nn ABC 8x8x8": { family: "naive", config: {} } } };

describe("what tuning has found for a leased device", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
  });

  test("is there as soon as the cache answers, and no timer stays behind", async () => {
    const { answer } = cache();
    const gpu = await openLease();
    answer(tuned);
    expect(await gpu.tuning).toBe(tuned);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is nothing after a second without an answer, which serves later products", async () => {
    const { answer } = cache();
    const gpu = await openLease();
    const first = gpu.tuning;
    let isSettled = false;
    void first.then(() => {
      isSettled = true;
    });
    await vi.advanceTimersByTimeAsync(999);
    expect(isSettled).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await first).toBeUndefined();
    expect(await gpu.tuning).toBeUndefined();

    answer(tuned);
    await vi.advanceTimersByTimeAsync(0);
    expect(await gpu.tuning).toBe(tuned);
    expect(await first).toBeUndefined();
  });
});

test("the wait for a tuning cache does not keep the process alive", async () => {
  cache();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout");
  const before = timers();
  await openLease();
  expect(timers()).toEqual(before);
});
