import { execFile } from "node:child_process";
import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";

import { raceWithLoss } from "../../src/kernels/device/device-loss.ts";
import { describeGpu, testDeviceKind } from "../support/gpu.ts";

describeGpu("Dawn in Node", (device) => {
  test("is polled eagerly for a moment, then from timers", async () => {
    const polls = vi.spyOn(globalThis, "setImmediate");
    const timers = vi.spyOn(globalThis, "setTimeout");
    await keepBusy(device);
    const slow = timers.mock.calls.filter(([, delayMs]) => delayMs === 1).length;
    const eager = polls.mock.calls.length - slow;
    vi.restoreAllMocks();
    expect(eager).toBeGreaterThan(0);
    expect(slow).toBeGreaterThan(10);
  });

  test("leaves everybody else's setImmediate alone", async () => {
    await expect(promisify(setImmediate)("value")).resolves.toBe("value");
    const called = vi.fn();
    clearImmediate(setImmediate(called.bind(null))); // a bound function is native code, as Dawn's is
    setImmediate(called, 1, 2);
    await sleep(5);
    expect(called.mock.calls).toEqual([[1, 2]]);
  });

  test("opens in a bare environment, keeps globals that exist, and lets the process end", async () => {
    const home = await fs.mkdtemp(path.join(os.tmpdir(), "anyk-home-"));
    const output = await runAlone(
      `globalThis.GPUMapMode = "mine";
       const { describeDevice, openDevice } = await import("./src/kernels/device/device.ts");
       const device = await openDevice({ device: ${JSON.stringify(testDeviceKind)} });
       await device.queue.onSubmittedWorkDone();
       const { kind } = describeDevice(device);
       const { VK_DRIVER_FILES = "unset" } = process.env;
       console.log(kind, GPUMapMode, GPUBufferUsage.STORAGE, VK_DRIVER_FILES);`,
      { HOME: home, PATH: "/usr/bin:/bin" },
    );
    await fs.rm(home, { recursive: true });
    expect(output.trim()).toMatch(/^(hardware|software) mine 128 unset$/);
  });
});

async function runAlone(code: string, env: Record<string, string>): Promise<string> {
  const args = ["--import", "tsx", "--input-type=module", "--eval", code];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return stdout;
}

/** Waits for some tenths of a second of work, in submits of a few milliseconds each. */
async function keepBusy(device: GPUDevice): Promise<void> {
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: {
      module: device.createShaderModule({
        code: `@group(0) @binding(0) var<storage, read_write> sum: u32;
          @compute @workgroup_size(1) fn spin() {
            for (var i = 0u; i < 300000u; i++) { sum = sum * 1664525u + 1013904223u; }
          }`,
      }),
    },
  });
  const buffer = device.createBuffer({ size: 4, usage: GPUBufferUsage.STORAGE });
  const layout = pipeline.getBindGroupLayout(0);
  const bindGroup = device.createBindGroup({
    layout,
    entries: [{ binding: 0, resource: { buffer } }],
  });
  for (let i = 0; i < 20; i++) {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(1);
    pass.end();
    device.queue.submit([encoder.finish()]);
  }
  await raceWithLoss(device, device.queue.onSubmittedWorkDone());
  buffer.destroy();
}
