import { describe, expect, onTestFinished, test, vi } from "vitest";

import { DeviceLostError } from "../../src/core/errors.ts";
import { createEngine } from "../../src/index.ts";
import type { CpuComputeWorker } from "../../src/workers/cpu-worker.ts";
import * as cpuWorkers from "../../src/workers/cpu-worker.ts";

vi.mock("../../src/workers/cpu-worker.ts", { spy: true });

/** CPU workers that answer as told, and how many of them are not disposed of. */
function scriptedWorkers(describeCpu: CpuComputeWorker["describe"]) {
  let open = 0;
  const make = vi.mocked(cpuWorkers.createCpuWorker).mockImplementation(({ id }) => {
    open++;
    return {
      id,
      kind: "cpu",
      describe: describeCpu,
      multiply: () => new Promise(() => {}),
      [Symbol.asyncDispose]: async () => void open--,
    };
  });
  onTestFinished(() => void make.mockReset());
  return { open: () => open };
}

describe("an engine on the CPU", () => {
  test("stops waiting for its workers with the signal's reason, and leaves none behind", async () => {
    const { open } = scriptedWorkers(() => new Promise(() => {}));
    const abort = new AbortController();
    const engine = createEngine({ device: "cpu", workers: 3, signal: abort.signal });
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(open()).toBe(3);
    abort.abort("enough");
    await expect(engine).rejects.toBe("enough");
    expect(open()).toBe(0);
  });

  test("rejects as its workers do, and leaves none behind", async () => {
    const lost = new DeviceLostError("the thread died");
    const { open } = scriptedWorkers(() => Promise.reject(lost));
    await expect(createEngine({ device: "cpu", workers: 3 })).rejects.toBe(lost);
    expect(open()).toBe(0);
  });

  test("that was acquired is not touched by a later abort", async () => {
    const abort = new AbortController();
    const { open } = scriptedWorkers(async () => ({ kind: "wasm", description: "WebAssembly" }));
    const engine = await createEngine({ device: "cpu", workers: 2, signal: abort.signal });
    expect(engine.device.description).toBe("CPU (WebAssembly)");
    abort.abort("late");
    expect(open()).toBe(2);
    await engine.close();
    expect(open()).toBe(0);
  });
});
