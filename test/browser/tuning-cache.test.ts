import { clear, createStore, get, set } from "idb-keyval";
import { beforeEach, expect, test, vi } from "vitest";

import type { GemmTuning } from "../../src/kernels/tuning/tuning.ts";
import { loadTuning, openTuningCache } from "../../src/kernels/tuning/tuning-cache.ts";
import { deviceKey } from "../../src/kernels/tuning/tuning-device.ts";

const tiled: GemmTuning = {
  choices: { "f32 nn ABC 512x512x512": { family: "tiled", config: { ROWS: 8 } } },
};
const naive: GemmTuning = { choices: { "f32 nn ABC 64x64x64": { family: "naive", config: {} } } };
const device = {
  limits: {},
  features: new Set(),
  adapterInfo: { vendor: "acme", architecture: "a1" },
} as unknown as GPUDevice;
const key = deviceKey(device);
const store = createStore("anyk", "tuning");

beforeEach(() => {
  vi.stubEnv("ANYK_TUNING", undefined); // what the tests of other things set to "off"
  return clear(store);
});

test("a page keeps results of tuning in IndexedDB, and adds to them", async () => {
  expect(await loadTuning(device)).toBeUndefined();
  const cache = await openTuningCache();
  expect(await cache.save(key, tiled)).toMatch(/^IndexedDB anyk\/tuning-[0-9a-f]{16}$/);
  expect(await loadTuning(device)).toEqual(tiled);
  await cache.save(key, naive);
  expect(await loadTuning(device)).toEqual({ choices: { ...tiled.choices, ...naive.choices } });
});

test("what is damaged there counts for nothing", async () => {
  const reasons: string[] = [];
  const cache = await openTuningCache({ onUnusable: (reason) => reasons.push(reason) });
  const name = (await cache.save(key, tiled)).split("/")[1]!;
  await set(name, (await get<string>(name, store))!.slice(1), store);
  expect(await loadTuning(device)).toBeUndefined();
  expect(await cache.load(key)).toBeUndefined();
  expect(reasons).toEqual([expect.stringContaining("damaged")]);
  await set(name, { not: "text" }, store);
  expect(await cache.load(key)).toBeUndefined();
});
