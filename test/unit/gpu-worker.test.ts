import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";

import { InputError } from "../../src/core/errors.ts";
import type { ProductShape } from "../../src/core/worker.ts";
import type { GemmTuning } from "../../src/kernels/tuning/tuning.ts";
import { loadTuning } from "../../src/kernels/tuning/tuning-cache.ts";
import { compileAhead } from "../../src/workers/gpu-gemm.ts";
import { GpuLease } from "../../src/workers/gpu-lease.ts";
import { createGpuWorker, type GpuWorkerOptions } from "../../src/workers/gpu-worker.ts";
import { fakeDevice } from "../support/fake-device.ts";

vi.mock("../../src/kernels/tuning/tuning-cache.ts", { spy: true });
vi.mock("../../src/workers/gpu-gemm.ts", { spy: true });

const { device } = fakeDevice();
const shape: ProductShape = { rows: 3, inner: 4, cols: 5 };
/** Long enough for whatever waits for nothing. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

describe("createGpuWorker", () => {
  test.each([
    [{ device }, "id must be a string of at least one character, got undefined"],
    [{ id: "w" }, "device must be a GPUDevice or a GpuLease, got undefined"],
    [{ id: "w", device: {} }, "device must be a GPUDevice or a GpuLease, got [object Object]"],
    [{ id: "w", device, reopen: device }, "reopen must be a function, got [object Object]"],
    [{ id: "w", device, taskBudgetBytes: 0 }, "taskBudgetBytes must be a finite number above 0"],
    [{ id: "w", device, taskBudgetBytes: "1" }, 'above 0, got "1"'],
    [{ id: "w", device, budget: 1 }, 'options must not hold "budget": no such option'],
  ] as [GpuWorkerOptions, string][])("refuses %o", (options, message) => {
    expect(() => createGpuWorker(options)).toThrow(InputError);
    expect(() => createGpuWorker(options)).toThrow(message);
  });

  test("takes a device or a lease", async () => {
    for (const each of [device, new GpuLease({ device })]) {
      await createGpuWorker({ id: "w", device: each })[Symbol.asyncDispose]();
    }
  });
});

describe("prepare", () => {
  const compile = vi.mocked(compileAhead);
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => void unhandled.push(reason);

  beforeEach(() => {
    compile.mockReset().mockResolvedValue();
    unhandled.length = 0;
    process.on("unhandledRejection", onUnhandled);
    onTestFinished(() => void process.off("unhandledRejection", onUnhandled));
  });

  test("compiles for the shape that it is told of", async () => {
    await using worker = createGpuWorker({ id: "w", device, taskBudgetBytes: 1000 });
    worker.prepare!(shape);
    await settled();
    expect(compile).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ device }),
      { m: 3, k: 4, n: 5 },
      1000,
    );
  });

  test("never throws, whatever fails, and nothing is heard of it", async () => {
    compile.mockRejectedValue(new Error("the shader does not compile"));
    const { device: broken, lose } = fakeDevice();
    await using worker = createGpuWorker({ id: "w", device: broken });
    worker.prepare!(shape);
    worker.prepare!(undefined as never);
    await settled();
    expect(compile).toHaveBeenCalledTimes(1);
    await lose();
    worker.prepare!(shape);
    await worker[Symbol.asyncDispose]();
    worker.prepare!(shape);
    await settled();
    expect(compile).toHaveBeenCalledTimes(1);
    expect(unhandled).toEqual([]);
  });

  test("after disposal compiles nothing and opens no device, though others use the lease", async () => {
    const { device: first, lose } = fakeDevice();
    const reopen = vi.fn(async () => fakeDevice().device);
    const lease = new GpuLease({ device: first, reopen });
    await using _other = createGpuWorker({ id: "other", device: lease });
    const worker = createGpuWorker({ id: "w", device: lease });
    await worker[Symbol.asyncDispose]();
    worker.prepare!(shape);
    await lose();
    worker.prepare!(shape);
    await settled();
    expect(compile).not.toHaveBeenCalled();
    expect(reopen).not.toHaveBeenCalled();
  });

  test("is given up by disposal while it waits for a tuning cache, which disposal does not", async () => {
    let answer: (tuning: GemmTuning | undefined) => void = () => {};
    const loading = new Promise<GemmTuning | undefined>((resolve) => {
      answer = resolve;
    });
    vi.mocked(loadTuning).mockReturnValueOnce(loading);
    const { device: own } = fakeDevice();
    const worker = createGpuWorker({ id: "w", device: own });
    worker.prepare!(shape);
    await settled();
    await worker[Symbol.asyncDispose]();
    answer(undefined);
    await settled();
    expect(compile).not.toHaveBeenCalled();
  });

  test("leaves no device behind that it had opened again when disposal came", async () => {
    const { device: first, lose } = fakeDevice();
    const second = fakeDevice();
    let open: (device: GPUDevice) => void = () => {};
    const opening = new Promise<GPUDevice>((resolve) => {
      open = resolve;
    });
    const lease = new GpuLease({ device: first, reopen: () => opening });
    const worker = createGpuWorker({ id: "w", device: lease });
    await lose();
    worker.prepare!(shape);
    await settled();
    await worker[Symbol.asyncDispose]();
    open(second.device);
    await settled();
    expect(second.isDestroyed()).toBe(true);
    expect(compile).not.toHaveBeenCalled();
    expect(lease.pool).toBeUndefined();
    expect(unhandled).toEqual([]);
  });
});
