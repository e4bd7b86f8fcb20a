import { expect, test } from "vitest";

import { DeviceLostError } from "../../src/core/errors.ts";
import { openDevice } from "../../src/kernels/device/device.ts";
import { raceWithLoss } from "../../src/kernels/device/device-loss.ts";
import { describeGpu, testDeviceKind } from "../support/gpu.ts";

const never = new Promise<never>(() => {});

describeGpu("raceWithLoss", (device) => {
  test("passes on what the promise brings, a value or a failure", async () => {
    await expect(raceWithLoss(device, Promise.resolve(7))).resolves.toBe(7);
    const failure = new DOMException("unmapped", "AbortError");
    await expect(raceWithLoss(device, Promise.reject(failure))).rejects.toBe(failure);
  });

  test("rejects with the caller's reason, and the promise's own failure goes unheard", async () => {
    const reason = new Error("nobody wants it any more");
    const controller = new AbortController();
    let fail: (error: Error) => void = () => {};
    const failing = new Promise<never>((_, reject) => {
      fail = reject;
    });
    const waiting = raceWithLoss(device, failing, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    fail(new Error("too late"));
    await expect(raceWithLoss(device, never, controller.signal)).rejects.toBe(reason);
  });

  test("rejects everything that waits when the device is lost, and what comes later", async () => {
    const doomed = await openDevice({ device: testDeviceKind });
    const waiting = [1, 2, 3].map(() => raceWithLoss(doomed, never));
    const outcomes = Promise.allSettled(waiting);
    doomed.destroy();
    for (const outcome of await outcomes) {
      expect(outcome.status === "rejected" && outcome.reason).toBeInstanceOf(DeviceLostError);
    }
    const late = raceWithLoss(doomed, Promise.resolve("all is well"));
    await expect(late).rejects.toThrow(/the device was lost \(destroyed\)/);
  });

  test("names the loss for a mapping that fails before the loss is announced", async () => {
    const doomed = await openDevice({ device: testDeviceKind });
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const buffer = doomed.createBuffer({ size: 16, usage });
    const mapping = raceWithLoss(doomed, buffer.mapAsync(GPUMapMode.READ));
    const failure = expect(mapping).rejects.toThrow(DeviceLostError);
    doomed.destroy();
    await failure;
  });
});
