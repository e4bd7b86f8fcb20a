import { GPU } from "gpu.js";
import { expect, onTestFinished, test, vi } from "vitest";

import { DeviceLostError } from "../../src/core/errors.ts";
import { createGpujsWorker } from "../../src/gpujs/index.ts";
import { deviationOf, never, randomTask } from "../support/workers.ts";

const small = randomTask({ m: 5, k: 6, n: 7 });

test("a browser with WebGL 2 computes on it, in float32 as exact as any", async () => {
  await using worker = createGpujsWorker({ id: "w" });
  expect(await worker.mode()).toBe("webgl2");
  const task = randomTask({ m: 90, k: 700, n: 80 });
  expect(deviationOf(await worker.multiply(task, { signal: never }), task)).toBeLessThanOrEqual(1);
});

test("WebGL 1 computes where it is asked for", async () => {
  await using worker = createGpujsWorker({ id: "w", mode: "webgl" });
  const task = randomTask({ m: 40, k: 700, n: 30 });
  expect(deviationOf(await worker.multiply(task, { signal: never }), task)).toBeLessThanOrEqual(1);
});

test("a context that is lost fails its task, and the next task gets another", async () => {
  const contexts: WebGL2RenderingContext[] = [];
  const { getContext } = HTMLCanvasElement.prototype;
  const spy = vi.spyOn(HTMLCanvasElement.prototype, "getContext");
  spy.mockImplementation(function (this: HTMLCanvasElement, ...args: unknown[]) {
    const context = Reflect.apply(getContext, this, args);
    if (args[0] === "webgl2") contexts.push(context);
    return context;
  } as never);
  onTestFinished(() => spy.mockRestore());

  await using worker = createGpujsWorker({ id: "w", mode: "webgl2" });
  await worker.multiply(small, { signal: never });
  const opened = contexts.length;
  expect(opened).toBeGreaterThan(0);
  contexts.at(-1)!.getExtension("WEBGL_lose_context")!.loseContext();
  await expect(worker.multiply(small, { signal: never })).rejects.toThrow(DeviceLostError);
  const product = await worker.multiply(small, { signal: never });
  expect(deviationOf(product, small)).toBeLessThanOrEqual(1);
  expect(contexts.length).toBeGreaterThan(opened);
});

test("an instance of the caller's is not replaced when its context is lost", async () => {
  const gpu = new GPU({ mode: "webgl2" });
  await using worker = createGpujsWorker({ id: "w", gpu });
  await worker.multiply(small, { signal: never });
  const { context } = gpu as { context: WebGL2RenderingContext };
  context.getExtension("WEBGL_lose_context")!.loseContext();
  for (let i = 0; i < 2; i++) {
    await expect(worker.multiply(small, { signal: never })).rejects.toThrow(DeviceLostError);
  }
});

test("a worker made after many others still has a context", async () => {
  for (let i = 0; i < 20; i++) {
    await using worker = createGpujsWorker({ id: `${i}` });
    const product = await worker.multiply(small, { signal: never });
    expect(deviationOf(product, small)).toBeLessThanOrEqual(1);
  }
});
