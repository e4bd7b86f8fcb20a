import { describe, expect, test } from "vitest";

import { DeviceLostError, InputError, NoDeviceError } from "../../src/core/errors.ts";
import { describeDevice, listAdapters, openDevice } from "../../src/kernels/device/device.ts";
import type { DeviceKind } from "../../src/kernels/device/device-adapters.ts";
import { raceWithLoss } from "../../src/kernels/device/device-loss.ts";
import { describeGpu } from "../support/gpu.ts";

describeConformance("software");
describeConformance("auto");
describeConformance("gpu");

/** What every source of devices owes. Where there is no such device, what its error owes. */
function describeConformance(kind: DeviceKind): void {
  describeGpu(`openDevice({ device: "${kind}" })`, () => {
    test("either opens a device of that kind or says what is missing", async () => {
      const adapters = await listAdapters();
      const present = adapters.some((adapter) => kind === "auto" || adapter.kind === wanted(kind));
      const opening = openDevice({ device: kind });
      if (!present) {
        await expect(opening).rejects.toThrow(NoDeviceError);
        await expect(opening).rejects.toThrow(/no GPU.+\. [A-Z]/);
        return;
      }
      const device = await opening;
      if (kind !== "auto") expect(describeDevice(device).kind).toBe(wanted(kind));
      device.destroy();
    });

    testWithDevice("has the limits and the useful features of its adapter", async (device) => {
      const description = describeDevice(device);
      const adapter = (await listAdapters()).find(
        (one) => one.description === description.description && one.kind === description.kind,
      );
      expect(description.limits).toEqual(adapter?.limits);
      expect(description.limits.maxBufferSize).toBeGreaterThanOrEqual(2 ** 28);
      for (const feature of ["timestamp-query", "shader-f16", "subgroups"]) {
        expect(description.features.includes(feature), feature).toBe(
          adapter?.features.includes(feature),
        );
      }
    });

    testWithDevice("computes", async (device) => {
      await expect(doubled(device, [1, 2, 3])).resolves.toEqual([2, 4, 6]);
    });

    testWithDevice("is independent of the next device of its kind", async (device) => {
      const others = await Promise.all([0, 1].map(() => openDevice({ device: kind })));
      const [second, third] = others as [GPUDevice, GPUDevice];
      expect(new Set([device, second, third]).size).toBe(3);
      second.destroy();
      const results = await Promise.all([doubled(device, [1]), doubled(third, [2])]);
      expect(results).toEqual([[2], [4]]);
      third.destroy();
    });

    testWithDevice("rejects with DeviceLostError once it is destroyed", async (device) => {
      const reading = doubled(device, [1]);
      const failure = expect(reading).rejects.toThrow(DeviceLostError);
      device.destroy();
      await failure;
      // WebGPU itself calls this a success.
      await expect(device.queue.onSubmittedWorkDone()).resolves.toBeUndefined();
      const submitted = raceWithLoss(device, device.queue.onSubmittedWorkDone());
      await expect(submitted).rejects.toThrow(DeviceLostError);
      await expect(submitted).rejects.toThrow("destroyed");
    });
  });

  function testWithDevice(name: string, run: (device: GPUDevice) => Promise<void>): void {
    test(name, async (context) => {
      const device = await openDevice({ device: kind }).catch((error: unknown) => {
        if (error instanceof NoDeviceError) return context.skip(error.message);
        throw error;
      });
      try {
        await run(device);
      } finally {
        device.destroy();
      }
    });
  }
}

describeGpu("openDevice", () => {
  test("rejects with the caller's reason when it was cancelled before or meanwhile", async () => {
    const reason = new Error("changed my mind");
    const before = openDevice({ device: "software", signal: AbortSignal.abort(reason) });
    await expect(before).rejects.toBe(reason);

    const controller = new AbortController();
    const meanwhile = openDevice({ device: "software", signal: controller.signal });
    controller.abort(reason);
    await expect(meanwhile).rejects.toBe(reason);
  });

  test("leaves a device alone that was opened before its signal aborted", async () => {
    const controller = new AbortController();
    const device = await openDevice({ device: "software", signal: controller.signal });
    controller.abort();
    await expect(doubled(device, [1])).resolves.toEqual([2]);
    device.destroy();
  });
});

describeGpu("listAdapters", () => {
  test("lists plain data, hardware first, without duplicates", async () => {
    const adapters = await listAdapters();
    expect(adapters.length).toBeGreaterThan(0);
    expect(structuredClone(adapters)).toEqual(adapters);
    expect(adapters.map(({ kind }) => kind)).toEqual(adapters.map(({ kind }) => kind).sort());
    const names = adapters.map(({ limits, features, driver, ...name }) => JSON.stringify(name));
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("openDevice without regard to adapters", () => {
  test("refuses a kind of device that does not exist", async () => {
    const device = "cpu" as DeviceKind;
    await expect(openDevice({ device })).rejects.toThrow(InputError);
  });
});

function wanted(kind: DeviceKind): "hardware" | "software" {
  return kind === "gpu" ? "hardware" : "software";
}

async function doubled(device: GPUDevice, values: readonly number[]): Promise<number[]> {
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const size = values.length * Uint32Array.BYTES_PER_ELEMENT;
  const data = device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
  const result = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  device.queue.writeBuffer(data, 0, Uint32Array.from(values));
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: {
      module: device.createShaderModule({
        code: `@group(0) @binding(0) var<storage, read_write> data: array<u32>;
          @compute @workgroup_size(1) fn double(@builtin(workgroup_id) id: vec3u) { data[id.x] *= 2; }`,
      }),
    },
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  const layout = pipeline.getBindGroupLayout(0);
  const entries = [{ binding: 0, resource: { buffer: data } }];
  pass.setBindGroup(0, device.createBindGroup({ layout, entries }));
  pass.dispatchWorkgroups(values.length);
  pass.end();
  encoder.copyBufferToBuffer(data, 0, result, 0, size);
  device.queue.submit([encoder.finish()]);
  await raceWithLoss(device, result.mapAsync(GPUMapMode.READ));
  return [...new Uint32Array(result.getMappedRange())];
}
