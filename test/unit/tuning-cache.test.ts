import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { InputError } from "../../src/core/errors.ts";
import type { GemmTuning } from "../../src/kernels/tuning/tuning.ts";
import { loadTuning, openTuningCache } from "../../src/kernels/tuning/tuning-cache.ts";
import { deviceKey } from "../../src/kernels/tuning/tuning-device.ts";
import { readStored, storedText } from "../../src/kernels/tuning/tuning-stored.ts";
import { kernelsVersion } from "../../src/kernels/tuning/tuning-version.ts";

const key = JSON.stringify({ vendor: "acme", subgroups: [32, 32] });
const tiled: GemmTuning = {
  choices: { "f32 nn ABC 512x512x512": { family: "tiled", config: { ROWS: 8, QUADS: 2 } } },
};
const naive: GemmTuning = {
  choices: { "f32 nn ABC 64x64x64": { family: "naive", config: { COLS: 8 } } },
};

/** As much of a device as tells it apart. */
function deviceWith(changes: { limits?: object; adapterInfo?: object; features?: string[] } = {}) {
  return {
    limits: { maxComputeInvocationsPerWorkgroup: 256, maxBufferSize: 1, ...changes.limits },
    features: new Set(changes.features ?? ["subgroups"]),
    adapterInfo: { vendor: "acme", architecture: "a1", description: "", ...changes.adapterInfo },
  } as unknown as GPUDevice;
}

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "anyk-tuning-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  fs.rmSync(folder, { recursive: true, force: true });
});

describe("the cache on the disk", () => {
  test("gives back what was saved, to whoever opens it next", async () => {
    const cache = await openTuningCache({ folder });
    expect(await cache.load(key)).toBeUndefined();
    const file = await cache.save(key, tiled);
    expect(path.dirname(file)).toBe(folder);
    expect(await (await openTuningCache({ folder })).load(key)).toEqual(tiled);
  });

  test("adds to what it has, bucket by bucket, and replaces what is measured again", async () => {
    const cache = await openTuningCache({ folder });
    await cache.save(key, tiled);
    await cache.save(key, naive);
    expect(await cache.load(key)).toEqual({ choices: { ...tiled.choices, ...naive.choices } });
    const again: GemmTuning = {
      choices: { "f32 nn ABC 64x64x64": { family: "tiled", config: {} } },
    };
    await cache.save(key, again);
    expect(await cache.load(key)).toEqual({ choices: { ...tiled.choices, ...again.choices } });
  });

  test("keeps devices apart", async () => {
    const cache = await openTuningCache({ folder });
    await cache.save(key, tiled);
    const other = JSON.stringify({ vendor: "acme", subgroups: [64, 64] });
    expect(await cache.load(other)).toBeUndefined();
    await cache.save(other, naive);
    expect(await cache.load(key)).toEqual(tiled);
  });

  test("replaces files as a whole and leaves no others behind", async () => {
    const cache = await openTuningCache({ folder });
    const file = await cache.save(key, tiled);
    const { ino } = fs.statSync(file);
    await Promise.all([cache.save(key, tiled), cache.save(key, tiled), cache.save(key, tiled)]);
    expect(fs.readdirSync(folder)).toEqual([path.basename(file)]);
    expect(fs.statSync(file).ino).not.toBe(ino);
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(await cache.load(key)).toEqual(tiled);
  });

  test.each([
    ["an empty file", () => "", "damaged"],
    ["half a file", (text: string) => text.slice(0, text.length / 2), "damaged"],
    ["another format", (text: string) => text.replace('"format": 1', '"format": 2'), "format"],
    [
      "choices of another form",
      (text: string) => text.replace('512x512x512"', 'x": 1, "y"'),
      "expected object",
    ],
    ["text for a number", (text: string) => text.replace('"ROWS": 8', '"ROWS": "8"'), "ROWS"],
    [
      "results of other kernels",
      (text: string) => text.replace(kernelsVersion(), "1-0123"),
      "other kernels",
    ],
    ["results of another device", (text: string) => text.replace("acme", "acne"), "other device"],
  ])("takes %s for nothing, says so, and writes over it", async (_, damage, reason) => {
    const reasons: string[] = [];
    const cache = await openTuningCache({ folder, onUnusable: (text) => reasons.push(text) });
    const file = await cache.save(key, tiled);
    fs.writeFileSync(file, damage(fs.readFileSync(file, "utf8")));
    expect(await cache.load(key)).toBeUndefined();
    expect(reasons).toEqual([expect.stringContaining(reason)]);
    await cache.save(key, naive);
    expect(await cache.load(key)).toEqual(naive);
  });

  test("neither reads nor writes where others can write", async () => {
    const cache = await openTuningCache({ folder });
    await cache.save(key, tiled);
    fs.chmodSync(folder, 0o777);
    expect(await cache.load(key)).toBeUndefined();
    await expect(cache.save(key, naive)).rejects.toThrow(InputError);
    await expect(cache.save(key, naive)).rejects.toThrow("can be written by others");
  });

  test("says why nothing can be kept", async () => {
    const file = path.join(folder, "file");
    fs.writeFileSync(file, "");
    const cache = await openTuningCache({ folder: path.join(file, "below") });
    await expect(cache.save(key, tiled)).rejects.toThrow(/cannot be kept: .*ENOTDIR/);
    expect(await cache.load(key)).toBeUndefined();
  });
});

describe("loadTuning", () => {
  test("reads what was saved for the device, unless ANYK_TUNING is off", async () => {
    vi.stubEnv("ANYK_CACHE_DIR", folder);
    vi.stubEnv("ANYK_TUNING", undefined);
    const device = deviceWith();
    expect(await loadTuning(device)).toBeUndefined();
    await (await openTuningCache()).save(deviceKey(device), tiled);
    expect(fs.readdirSync(folder)).toHaveLength(1);
    expect(await loadTuning(device)).toEqual(tiled);
    expect(await loadTuning(deviceWith({ features: [] }))).toBeUndefined();
    vi.stubEnv("ANYK_TUNING", "off");
    expect(await loadTuning(device)).toBeUndefined();
  });

  test("never throws", async () => {
    vi.stubEnv("ANYK_CACHE_DIR", path.join(folder, "\0"));
    vi.stubEnv("ANYK_TUNING", undefined);
    expect(await loadTuning(deviceWith())).toBeUndefined();
    expect(await loadTuning({} as GPUDevice)).toBeUndefined();
  });
});

describe("deviceKey", () => {
  test("is the same for like devices, and another for those that differ where it matters", () => {
    const base = deviceKey(deviceWith());
    expect(deviceKey(deviceWith({ limits: { maxBufferSize: 2 } }))).toBe(base);
    expect(deviceKey(deviceWith({ features: ["subgroups", "timestamp-query"] }))).toBe(base);
    const others = [
      { adapterInfo: { vendor: "other" } },
      { adapterInfo: { architecture: "a2" } },
      { adapterInfo: { description: "driver 2.0" } },
      { adapterInfo: { subgroupMinSize: 8, subgroupMaxSize: 32 } },
      { limits: { maxComputeInvocationsPerWorkgroup: 512 } },
      { features: [] },
    ].map((changes) => deviceKey(deviceWith(changes)));
    expect(new Set([base, ...others]).size).toBe(1 + others.length);
  });
});

describe("stored texts", () => {
  test("hold names that would mean something to an object", () => {
    const owner = { key, kernels: "1" };
    const odd: GemmTuning = {
      choices: Object.fromEntries([["constructor", { family: "tiled", config: { ROWS: 1 } }]]),
    };
    expect(readStored(storedText(owner, odd), owner)).toEqual({ tuning: odd });
  });

  test("the version of the kernels is one line that is the same every time", () => {
    expect(kernelsVersion()).toMatch(/^\d+-[0-9a-f]{16}$/);
    expect(kernelsVersion()).toBe(kernelsVersion());
  });
});
