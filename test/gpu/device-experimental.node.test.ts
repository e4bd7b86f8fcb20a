import { expect, test } from "vitest";

import { InputError } from "../../src/core/errors.ts";
import { dawnSources } from "../../src/kernels/device/dawn.ts";
import { describeDevice, openDevice } from "../../src/kernels/device/device.ts";
import { describeGpu, testDeviceKind } from "../support/gpu.ts";

describeGpu("openDevice({ experimental: true })", (device) => {
  test("has all that the device without it has", async () => {
    const plain = describeDevice(device);
    const opened = await openDevice({ device: testDeviceKind, experimental: true });
    const experimental = describeDevice(opened);
    opened.destroy();
    expect({ ...experimental, features: [], limits: {} }).toEqual({
      ...plain,
      features: [],
      limits: {},
    });
    expect(experimental.features).toEqual(expect.arrayContaining([...plain.features]));
  });

  test("asks a Dawn of its own, which tells of features that the other keeps back", async () => {
    const offered = async (experimental: boolean) => {
      const names = new Set<string>();
      for (const source of dawnSources(experimental)) {
        const gpu = await source.connect().catch(() => undefined);
        const adapter = await gpu?.requestAdapter();
        for (const name of adapter?.features ?? []) names.add(name);
      }
      return [...names].filter((name) => name.startsWith("chromium-experimental-"));
    };
    expect(await offered(false)).toEqual([]);
    expect(await offered(true)).not.toEqual([]);
  });

  test("is connected once, however often it is asked for", async () => {
    for (const experimental of [false, true]) {
      const connect = () =>
        Promise.all(dawnSources(experimental).map((source) => source.connect().catch(() => null)));
      expect(await connect()).toEqual(await connect());
    }
  });

  test("refuses what is neither true nor false", async () => {
    const experimental = "yes" as unknown as boolean;
    await expect(openDevice({ experimental })).rejects.toThrow(InputError);
  });
});
