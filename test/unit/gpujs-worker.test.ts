import { GPU } from "gpu.js";
import { describe, expect, onTestFinished, test, vi } from "vitest";

import { DeviceLostError, InputError, NoDeviceError } from "../../src/core/errors.ts";
import {
  createGpujsWorker,
  type GpujsInstance,
  type GpujsWorkerOptions,
} from "../../src/gpujs/index.ts";
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

  test.each([
    [{}, "id must be a string of at least one character, got undefined"],
    [{ id: 5 }, "id must be a string of at least one character, got 5"],
    [{ id: "w", mode: "opencl" }, 'mode must be "auto", "webgl2", "webgl" or "cpu", got "opencl"'],
    [{ id: "w", gpu: 5 }, "gpu must be an instance of gpu.js' class GPU, got 5"],
    [{ id: "w", gpu: {} }, "gpu must be an instance of gpu.js' class GPU, got [object Object]"],
    [{ id: "w", device: 5 }, 'options must not hold "device": no such option'],
  ] as [GpujsWorkerOptions, string][])("refuses %o", (options, message) => {
    expect(() => createGpujsWorker(options)).toThrow(InputError);
    expect(() => createGpujsWorker(options)).toThrow(message);
  });

  test("fails its tasks in WebGL, which Node lacks", async () => {
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

describe("a kernel that cannot be made", () => {
  const cause = new Error("the shader does not compile");
  const refuse = () => {
    throw cause;
  };

  test("fails the task, leaves no instance behind, and the next task tries again", async () => {
    const createKernel = vi.spyOn(GPU.prototype, "createKernel").mockImplementationOnce(refuse);
    const destroy = vi.spyOn(GPU.prototype, "destroy");
    onTestFinished(() => {
      createKernel.mockRestore();
      destroy.mockRestore();
    });
    await using worker = createGpujsWorker({ id: "w", mode: "cpu" });
    await expect(worker.multiply(small, { signal: never })).rejects.toBe(cause);
    expect(destroy).toHaveBeenCalledTimes(1);
    const product = await worker.multiply(small, { signal: never });
    expect(deviationOf(product, small, worker)).toBeLessThanOrEqual(1);
  });

  test("leaves the caller's instance to the caller", async () => {
    const destroy = vi.fn(async () => {});
    const gpu: GpujsInstance = { mode: "cpu", createKernel: refuse, destroy };
    await using worker = createGpujsWorker({ id: "w", gpu });
    await expect(worker.multiply(small, { signal: never })).rejects.toBe(cause);
    expect(destroy).not.toHaveBeenCalled();
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
