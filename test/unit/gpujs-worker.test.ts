import { GPU } from "gpu.js";
import { describe, expect, onTestFinished, test } from "vitest";

import { DeviceLostError, NoDeviceError } from "../../src/core/errors.ts";
import { createGpujsWorker, type GpujsInstance } from "../../src/gpujs/index.ts";
import { deviationOf, never, randomTask } from "../support/workers.ts";

const small = randomTask({ m: 5, k: 6, n: 7 });

describe("the gpu.js worker in Node", () => {
  test("computes in plain JavaScript, and lets other events in between its panels", async () => {
    await using worker = createGpujsWorker({ id: "w" });
    expect(await worker.mode()).toBe("cpu");
    const shape = { m: 300, k: 1100, n: 300 };
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const task = randomTask(shape);
    const product = await worker.multiply(task, { signal: never });
    clearInterval(timer);
    expect(turns).toBeGreaterThanOrEqual(3); // three panels at least along the inner dimension
    expect(deviationOf(product, task, worker)).toBeLessThanOrEqual(1);
  });

  test("refuses a mode that there is none of, and WebGL, which Node lacks", async () => {
    const mode = "opencl" as "cpu";
    expect(() => createGpujsWorker({ id: "w", mode })).toThrow(
      'mode must be "auto", "webgl2", "webgl" or "cpu", got "opencl"',
    );
    await using worker = createGpujsWorker({ id: "w", mode: "webgl2" });
    const product = worker.multiply(small, { signal: never });
    await expect(product).rejects.toThrow(NoDeviceError);
    await expect(product).rejects.toThrow('gpu.js has no mode "webgl2" here');
  });

  test("frees its kernel in the caller's instance, and leaves the instance alone", async () => {
    const gpu = new GPU({ mode: "cpu" });
    onTestFinished(() => gpu.destroy());
    const worker = createGpujsWorker({ id: "w", gpu });
    const product = await worker.multiply(small, { signal: never });
    expect(deviationOf(product, small, worker)).toBeLessThanOrEqual(1);
    await worker[Symbol.asyncDispose]();
    const add = gpu.createKernel("function (x) { return x + this.thread.x; }", { output: [2] });
    expect([...(add(3) as Float32Array)]).toEqual([3, 4]);
  });

  test("promises more roundings where it may be WebGL that computes", () => {
    const shape = { rows: 9, inner: 1024, cols: 9 };
    expect(createGpujsWorker({ id: "w", mode: "cpu" }).roundings!(shape)).toBe(513);
    expect(createGpujsWorker({ id: "w" }).roundings!(shape)).toBe(2 * 513);
  });
});

test("a lost WebGL context is a lost device, although gpu.js returns zeros without a word", async () => {
  let lost = false;
  const kernel = Object.assign(async () => [new Float32Array(7)], {
    setOutput() {
      lost = true;
    },
    destroy() {},
  });
  const gpu: GpujsInstance = {
    mode: "webgl2",
    context: { isContextLost: () => lost },
    createKernel: () => kernel,
    destroy: async () => {},
  };
  await using worker = createGpujsWorker({ id: "w", gpu });
  const product = worker.multiply(small, { signal: never });
  await expect(product).rejects.toThrow(DeviceLostError);
});
