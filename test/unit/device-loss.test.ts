import { expect, test, vi } from "vitest";

import { raceWithLoss } from "../../src/kernels/device/device-loss.ts";

test("a thousand waits chain one callback to the device's promise, which outlives them all", async () => {
  const lost = new Promise<GPUDeviceLostInfo>(() => {});
  const chained = vi.spyOn(lost, "then");
  const device = { lost } as GPUDevice;

  for (let i = 0; i < 1000; i++) await raceWithLoss(device, Promise.resolve());

  expect(chained).toHaveBeenCalledTimes(1);
});
