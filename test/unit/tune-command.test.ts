import { describe, expect, test } from "vitest";

import { type TuneLibrary, tuneCommand } from "../../src/cli/tune-command.ts";
import { createEngine, InputError } from "../../src/index.ts";
import {
  type DeviceDescription,
  type GemmTuning,
  type MeasuredCandidate,
  type OpenDeviceOptions,
  type TunedBucket,
  type TuneOptions,
  type TuneResult,
  tuneGemm,
} from "../../src/kernels/index.ts";
import { captured } from "../support/cli.ts";

const tiled = (gflops: number): MeasuredCandidate => ({
  family: "tiled",
  config: { ROWS: 8, QUADS: 2, THREADS_M: 16, THREADS_N: 16, DEPTH: 16, STAGES: 2, SWIZZLE: 4 },
  ms: 1000 / gflops,
  gflops,
  samples: 7,
});
const register = (gflops: number): MeasuredCandidate => ({
  ...tiled(gflops),
  family: "register",
  config: { ROWS: 4 },
});
const faster: TunedBucket = {
  bucket: "f32 nn ABC 512x512x512",
  shape: { m: 512, k: 512, n: 512 },
  precision: "f32",
  own: register(800),
  best: tiled(1000),
  gain: 1.25,
  measured: [tiled(1000), register(800)],
  rejected: [
    { candidate: { family: "naive", config: {} }, reason: "its product is wrong in row 3" },
  ],
};
const same: TunedBucket = {
  ...faster,
  bucket: "f32 nn ABC 64x64x64",
  shape: { m: 64, k: 64, n: 64 },
  best: register(800),
  gain: 1,
  rejected: [],
};
const skipped = {
  bucket: "f32 nn ABC 8192x8192x8192",
  shape: { m: 8192, k: 8192, n: 8192 },
  precision: "f32",
  reason: "no time was left",
} as const;
const full: TuneResult = {
  choices: {},
  buckets: [same, faster],
  skipped: [skipped],
  elapsedMs: 12_345,
};
const described = {
  description: "ACME Rocket 9000",
  vendor: "acme",
  architecture: "rocket-9",
  kind: "hardware",
  driver: "system",
  software: false,
} as DeviceDescription;

/** A library that "finds" a result, and what was asked of it. */
function libraryWith(result: TuneResult, changes: Partial<TuneLibrary> = {}) {
  const saved: GemmTuning[] = [];
  const asked: TuneOptions[] = [];
  const wanted: OpenDeviceOptions[] = [];
  let open = 0;
  const library: TuneLibrary = {
    openDevice: async (options = {}) => {
      wanted.push(options);
      open++;
      return { destroy: () => void open-- } as unknown as GPUDevice;
    },
    describeDevice: () => described,
    deviceKey: () => "{}",
    async tuneGemm(_device, options = {}) {
      asked.push(options);
      const count = result.buckets.length;
      for (const [index, bucket] of result.buckets.entries()) {
        options.signal?.throwIfAborted();
        options.onProgress?.({ index, count, kind: "begun", target: bucket });
        options.onProgress?.({
          index,
          count,
          kind: "measured",
          target: bucket,
          candidate: bucket.best,
        });
        options.onProgress?.({ index, count, kind: "tuned", result: bucket });
        await new Promise((resolve) => setTimeout(resolve));
      }
      options.signal?.throwIfAborted();
      return result;
    },
    openTuningCache: async () => ({
      load: async () => undefined,
      save: async (_key, tuning) => {
        saved.push(tuning);
        return "/cache/tuning-1.json";
      },
    }),
    ...changes,
  };
  return { library, saved, asked, wanted, open: () => open };
}

async function tune(
  raw: Parameters<typeof tuneCommand>[0],
  library: TuneLibrary,
  more: { signal?: AbortSignal; terminal?: boolean } = {},
) {
  const stdout = captured();
  const stderr = captured(more.terminal ? { columns: 80 } : undefined);
  const context = {
    version: "1.2.3",
    stdout,
    stderr,
    env: {},
    signal: more.signal ?? new AbortController().signal,
    library: { createEngine, listAdapters: async () => [] },
  };
  const outcome = await tuneCommand(raw, context, library).then(
    (exitCode) => ({ exitCode, error: undefined }),
    (error: unknown) => ({ exitCode: undefined, error }),
  );
  return { ...outcome, stdout: stdout.text(), stderr: stderr.text() };
}

describe("anyk tune", () => {
  test("prints each product's speed, gain and kernel within the terminal's width", async () => {
    const { library } = libraryWith(full);
    const { exitCode, stdout, stderr } = await tune({}, library);
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout.split("\n").every((line) => line.length <= 80)).toBe(true);
    expect(stdout).toBe(
      [
        "ACME Rocket 9000: 3 products in 12.3 s",
        "",
        "  m×k×n            untuned  tuned   gain  kernel",
        "  64×64×64 f32         800    800         register ROWS=4",
        "  512×512×512 f32      800   1000  1.25×  tiled ROWS=8 QUADS=2 THREADS_M=16",
        "                                          THREADS_N=16 DEPTH=16 STAGES=2",
        "                                          SWIZZLE=4",
        "  Speeds are in GFLOP/s.",
        "",
        "Not tuned:",
        "  8192×8192×8192 f32: no time was left",
        "",
        "Kernels that failed, and are not used:",
        "  512×512×512 naive: its product is wrong in row 3",
        "",
        "Faster than by the planner's own choice: 1 of 2, up to 1.25×. Each stands for",
        "all products of about its size (sides within a factor of 1.4).",
        "Kept in /cache/tuning-1.json, and used on this device from now on.",
        "",
      ].join("\n"),
    );
  });

  test("says on a software adapter who uses it", async () => {
    const { library } = libraryWith(full, {
      describeDevice: () => ({ ...described, software: true }),
    });
    expect((await tune({}, library)).stdout).toContain("only --device software uses it");
  });

  test("prints everything as JSON", async () => {
    const { library } = libraryWith({ ...full, buckets: [{ ...faster, own: undefined }] });
    const { stdout } = await tune({ json: true }, library);
    expect(JSON.parse(stdout)).toEqual({
      anyk: "1.2.3",
      device: {
        description: "ACME Rocket 9000",
        kind: "hardware",
        vendor: "acme",
        architecture: "rocket-9",
        driver: "system",
      },
      file: "/cache/tuning-1.json",
      elapsedMs: 12_345,
      buckets: [{ ...faster, own: null }],
      skipped: [skipped],
    });
  });

  test("keeps each choice as soon as it is found, and none in a dry run", async () => {
    const { library, saved, open } = libraryWith(full);
    await tune({}, library);
    expect(saved).toEqual([
      { choices: { [same.bucket]: { family: "register", config: same.best.config } } },
      { choices: { [faster.bucket]: { family: "tiled", config: faster.best.config } } },
    ]);
    expect(open()).toBe(0);

    const dry = libraryWith(full);
    const { stdout } = await tune({ dryRun: true }, dry.library);
    expect(dry.saved).toEqual([]);
    expect(stdout).toContain("Nothing was kept (--dry-run).");
    expect(stdout).not.toContain("Kept in");
  });

  test("interrupted, keeps what is finished and says where", async () => {
    const stop = new AbortController();
    const reason = new Error("interrupted");
    const { library, saved, open } = libraryWith(full, {
      openTuningCache: async () => ({
        load: async () => undefined,
        async save(_key, tuning) {
          saved.push(tuning);
          stop.abort(reason);
          return "/cache/tuning-1.json";
        },
      }),
    });
    const { error, stdout, stderr } = await tune({}, library, { signal: stop.signal });
    expect(error).toBe(reason);
    expect(stdout).toBe("");
    expect(stderr).toBe("anyk: 1 product was tuned before that and kept in /cache/tuning-1.json\n");
    expect(saved).toHaveLength(1);
    expect(open()).toBe(0);
  });

  test("stops at once where nothing can be kept", async () => {
    const failure = new InputError("results of tuning cannot be kept: the disk is full");
    const { library, open } = libraryWith(
      { ...full, buckets: [same, faster, faster, faster] },
      {
        openTuningCache: async () => ({
          load: async () => undefined,
          save: () => Promise.reject(failure),
        }),
      },
    );
    const { error, stderr } = await tune({}, library);
    expect(error).toBe(failure);
    expect(stderr).toBe("");
    expect(open()).toBe(0);
  });

  test("says what was kept before the one that could not be", async () => {
    const failure = new InputError("results of tuning cannot be kept: the disk is full");
    for (const { buckets, failsAfterMs } of [
      { buckets: [same, faster, faster], failsAfterMs: 0 },
      { buckets: [same, faster], failsAfterMs: 20 }, // when everything is measured
    ]) {
      let saves = 0;
      const { library, open } = libraryWith(
        { ...full, buckets },
        {
          openTuningCache: async () => ({
            load: async () => undefined,
            save: async () => {
              saves++;
              if (saves > 1) {
                await new Promise((resolve) => setTimeout(resolve, failsAfterMs));
                throw failure;
              }
              return "/cache/tuning-1.json";
            },
          }),
        },
      );
      const { error, stdout, stderr } = await tune({}, library);
      expect(error).toBe(failure);
      expect(stdout).toBe("");
      expect(stderr).toBe(
        "anyk: 1 product was tuned before that and kept in /cache/tuning-1.json\n",
      );
      expect([saves, open()]).toEqual([2, 0]);
    }
  });

  test("closes the device where the cache cannot be opened, or the device not be named", async () => {
    const failure = new Error("no such folder");
    const changes: Partial<TuneLibrary>[] = [
      { openTuningCache: () => Promise.reject(failure) },
      {
        deviceKey() {
          throw failure;
        },
      },
    ];
    for (const change of changes) {
      const { library, open } = libraryWith(full, change);
      const { error, stderr } = await tune({}, library);
      expect(error).toBe(failure);
      expect([stderr, open()]).toEqual(["", 0]);
    }
  });

  test("ends with 2 when nothing could be tuned", async () => {
    const { library } = libraryWith({ ...full, buckets: [] });
    const { exitCode, stdout } = await tune({}, library);
    expect(exitCode).toBe(2);
    expect(stdout).toContain("no time was left");
    expect(stdout).not.toContain("Kept in");
  });

  test("reports earlier results that were of no use", async () => {
    const { library } = libraryWith(full);
    const telling: TuneLibrary = {
      ...library,
      openTuningCache: async (options = {}) => {
        options.onUnusable?.("it was measured with other kernels");
        return library.openTuningCache(options);
      },
    };
    const { stdout } = await tune({}, telling);
    expect(stdout).toContain("Earlier results were replaced: it was measured with other kernels.");
  });

  test("shows progress on a terminal, and removes it", async () => {
    const { library } = libraryWith(full);
    const { stderr } = await tune({}, library, { terminal: true });
    expect(stderr).toContain("1 of 2  64×64×64 f32  800 GFLOP/s  register ROWS=4");
    expect(stderr.endsWith("\r\u001b[2K")).toBe(true);
  });

  test("hands its options to the tuner", async () => {
    const { library, asked } = libraryWith(full);
    await tune({ shapes: "512x512x512,1x20x3", precision: "f32,f16", budget: "1.5s" }, library);
    expect(asked[0]).toMatchObject({
      shapes: [
        { m: 512, k: 512, n: 512 },
        { m: 1, k: 20, n: 3 },
      ],
      precisions: ["f32", "f16"],
      budgetMs: 1500,
    });
  });
});

describe("anyk tune --experimental", () => {
  test("opens the device with what Dawn keeps back, and without the flag does not", async () => {
    const { library, wanted } = libraryWith(full);
    const { stdout } = await tune({ experimental: true }, library);
    expect(stdout.replace(/\s+/g, " ")).toContain("same features, by openDevice({ experimental:");
    expect((await tune({}, library)).stdout).not.toContain("experimental");
    expect(wanted.map(({ experimental }) => experimental)).toEqual([true, false]);
  });

  /** Finds what the library finds on a device without features. */
  function plainLibrary() {
    return libraryWith(full, { tuneGemm: (device, options) => tuneGemm(device, options) }).library;
  }
  const raw = { precision: "f32-split", shapes: "512x512x512" };

  test("is what a device is said to lack that has no tensor cores without it", async () => {
    const library = { ...plainLibrary(), openDevice: async () => plainDevice() };
    const { exitCode, stdout } = await tune(raw, library);
    expect(exitCode).toBe(2);
    const text = stdout.replace(/\s+/g, " ");
    expect(text).toMatch(/lacks .*subgroup-matrix; with --experimental it may have it/);
    expect(text).not.toContain("openDevice");
    const json = await tune({ ...raw, json: true }, library);
    expect(json.stdout).toContain("with --experimental it may have it");
  });

  test("is not recommended to who has given it", async () => {
    const library = { ...plainLibrary(), openDevice: async () => plainDevice() };
    const { stdout } = await tune({ ...raw, experimental: true }, library);
    const text = stdout.replace(/\s+/g, " ");
    expect(text).toMatch(/lacks .*subgroup-matrix, even with --experimental/);
    expect(text).not.toContain("openDevice");
  });
});

/** A device without any feature, on which nothing can run. */
function plainDevice(): GPUDevice {
  const limits = {
    maxBufferSize: 2 ** 28,
    maxStorageBufferBindingSize: 2 ** 27,
    maxComputeWorkgroupStorageSize: 2 ** 14,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupSizeX: 256,
    maxComputeWorkgroupSizeY: 256,
    maxComputeWorkgroupSizeZ: 64,
    maxComputeWorkgroupsPerDimension: 65535,
    minStorageBufferOffsetAlignment: 256,
    minUniformBufferOffsetAlignment: 256,
  };
  const device: Partial<GPUDevice> = {
    limits: limits as GPUSupportedLimits,
    features: new Set() as unknown as GPUSupportedFeatures,
    lost: new Promise(() => {}),
    destroy() {},
  };
  return device as GPUDevice;
}
