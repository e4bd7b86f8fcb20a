import { expect, test } from "vitest";

import { DeviceLostError, InputError, ShapeError } from "../../src/core/errors.ts";
import { describeDevice, openDevice } from "../../src/kernels/device/device.ts";
import { planGemm } from "../../src/kernels/gemm/gemm-plan.ts";
import { type TuneOptions, type TuneProgress, tuneGemm } from "../../src/kernels/tuning/tune.ts";
import { createStopwatch, wallStopwatch } from "../../src/kernels/tuning/tune-stopwatch.ts";
import { withoutValidationError } from "../support/buffers.ts";
import { describeGpu, testDeviceKind } from "../support/gpu.ts";

const small = { m: 48, k: 64, n: 40 };
const skinny = { m: 1, k: 33, n: 70 };

describeGpu("tuneGemm", (device) => {
  test("finds a right and fast kernel for every bucket, and the planner takes it", async () => {
    const events: TuneProgress[] = [];
    const result = await withoutValidationError(device, () =>
      tuneGemm(device, {
        shapes: [small, skinny, { m: 50, k: 56, n: 40 }],
        precisions: ["f32", "f16"],
        maxCandidates: 2,
        onProgress: (event) => events.push(event),
      }),
    );
    // The third shape is of the first one's bucket.
    expect(result.buckets.map(({ bucket }) => bucket)).toEqual([
      "f32 nn ABC 64x64x32",
      "f16 nn ABC 64x64x32",
      "f32 nn - 1x32x64",
      "f16 nn - 1x32x64",
    ]);
    expect(result.skipped).toEqual([]);
    for (const {
      own,
      best,
      gain,
      measured,
      rejected,
      shape,
      precision,
      bucket,
    } of result.buckets) {
      expect(rejected).toEqual([]);
      expect(own).toMatchObject(ownChoice(planGemm(shape, device, { precision })));
      expect(gain).toBeCloseTo(own!.ms / best.ms, 9);
      expect(gain).toBeGreaterThanOrEqual(1);
      expect(measured.length).toBeGreaterThanOrEqual(1);
      expect(measured.length).toBeLessThanOrEqual(2);
      const { m, k, n } = shape;
      expect(best.gflops).toBeCloseTo((2 * m * k * n) / best.ms / 1e6, 9);
      expect(result.choices[bucket]).toEqual({ family: best.family, config: best.config });
      const plan = planGemm(shape, device, { precision, tuned: result });
      expect(ownChoice(plan)).toEqual(result.choices[bucket]);
    }
    expect(events.filter(({ kind }) => kind === "begun")).toHaveLength(4);
    expect(events.filter(({ kind }) => kind === "tuned")).toHaveLength(4);
    expect(events.at(-1)).toMatchObject({ index: 3, count: 4, kind: "tuned" });
  });

  test("tries no more than three candidates where the CPU computes", async () => {
    const { buckets } = await tuneGemm(device, { shapes: [small] });
    const { measured, rejected } = buckets[0]!;
    const tried = measured.length + rejected.length;
    expect(tried).toBeLessThanOrEqual(describeDevice(device).software ? 3 : 24);
  });

  test("gives all memory back, also when it is stopped in the middle", async () => {
    const { watched, live } = withLiveBuffers(device);
    await tuneGemm(watched, { shapes: [small], maxCandidates: 2 });
    expect(live()).toBe(0);

    const stop = new AbortController();
    const reason = new Error("enough");
    const tuning = tuneGemm(watched, {
      shapes: [small],
      signal: stop.signal,
      onProgress: ({ kind }) => kind === "measured" && stop.abort(reason),
    });
    await expect(tuning).rejects.toBe(reason);
    // A kernel that is being compiled just then brings its memory along, and is sent away.
    await expect.poll(live).toBe(0);
  });

  test("rejects kernels that multiply wrong", async () => {
    const lying = withShaders(device, (code) => code.replaceAll("fma(", "1.0001 * fma("));
    const events: TuneProgress[] = [];
    const result = await tuneGemm(lying, {
      shapes: [small],
      maxCandidates: 2,
      budgetMs: 1, // the first two are tried whatever the time
      onProgress: (event) => events.push(event),
    });
    expect(result.choices).toEqual({});
    expect(result.skipped).toEqual([
      { bucket: "f32 nn ABC 64x64x32", shape: small, precision: "f32", reason: expect.any(String) },
    ]);
    expect(result.skipped[0]!.reason).toMatch(/its product is wrong in row \d+/);
    expect(events.filter(({ kind }) => kind === "rejected")).toHaveLength(2);
  });

  test("rejects kernels that do not compile, and goes on to others", async () => {
    const own = planGemm(small, device);
    const broken = withShaders(device, (code, label) =>
      label.startsWith(`gemm_${own.family}`) ? code.replace("fn ", "fun ") : code,
    );
    // The failure is reported to whoever asks the device, too.
    device.pushErrorScope("validation");
    const { buckets } = await tuneGemm(broken, { shapes: [small], maxCandidates: 2 });
    await device.popErrorScope();
    expect(buckets[0]!.best.family).not.toBe(own.family);
    expect(buckets[0]!.own).toBeUndefined();
    expect(buckets[0]!.rejected[0]!.candidate).toEqual(ownChoice(own));
  });

  test("skips what does not fit the device, and what there was no time for", async () => {
    const side = 2 * Math.ceil(Math.sqrt(device.limits.maxBufferSize / 4));
    const huge = { m: side, k: 4, n: side };
    const result = await tuneGemm(device, { shapes: [huge, small], maxCandidates: 1 });
    expect(result.skipped.map(({ reason }) => reason)).toEqual([
      expect.stringContaining("the device allows"),
    ]);
    expect(result.buckets).toHaveLength(1);

    if (!device.features.has("chromium-experimental-subgroup-matrix" as GPUFeatureName)) {
      const split = await tuneGemm(device, { shapes: [small], precisions: ["f32-split"] });
      expect(split.skipped[0]!.reason).toContain('precision "f32-split"');
    }

    const hurried = await tuneGemm(device, { shapes: [small, skinny], budgetMs: 0.001 });
    expect(hurried.skipped.map(({ reason }) => reason)).toContain("no time was left");
  });

  test("refuses what is no shape and options out of range, at once", async () => {
    const tune = (options: TuneOptions) => tuneGemm(device, options);
    await expect(tune({ shapes: [{ m: 0, k: 1, n: 1 }] })).rejects.toThrow(ShapeError);
    await expect(tune({ budgetMs: 0 })).rejects.toThrow(InputError);
    await expect(tune({ maxCandidates: 1.5 })).rejects.toThrow(InputError);
    const reason = new Error("never");
    await expect(tune({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test("fails when the device is lost", async () => {
    const doomed = await openDevice({ device: testDeviceKind });
    const tuning = tuneGemm(doomed, {
      shapes: [small, skinny],
      onProgress: ({ kind }) => kind === "measured" && doomed.destroy(),
    });
    await expect(tuning).rejects.toThrow(DeviceLostError);
    await expect(tuneGemm(doomed, { shapes: [small] })).rejects.toThrow(DeviceLostError);
  });
});

describeGpu("the stopwatch", (device) => {
  test("measures more for more work, by timestamps as by the clock", async () => {
    const { signal } = new AbortController();
    const size = 2 ** 20;
    const buffer = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE });
    const pipeline = device.createComputePipeline({
      layout: "auto",
      compute: {
        module: device.createShaderModule({
          code: `@group(0) @binding(0) var<storage, read_write> data: array<f32>;
            @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
              for (var i = 0u; i < 16u; i++) { data[id.x] = fma(data[id.x], 0.5, 1.0); }
            }`,
        }),
      },
    });
    const group = device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer } }],
    });
    const work = (times: number) => (encoder: GPUCommandEncoder) => {
      for (let i = 0; i < times; i++) {
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(2 ** 12);
        pass.end();
      }
    };
    for (const create of [createStopwatch, wallStopwatch]) {
      using stopwatch = create(device);
      await stopwatch.time(work(1), signal); // some drivers compile now
      const one = await stopwatch.time(work(1), signal);
      const many = await stopwatch.time(work(32), signal);
      expect(one).toBeGreaterThan(0);
      expect(many).toBeGreaterThan(2 * one);
    }
    buffer.destroy();
  });
});

function ownChoice({ family, config }: { family: string; config: object }) {
  return { family, config };
}

/** `device`, counting the buffers that were made and not yet destroyed. */
function withLiveBuffers(device: GPUDevice): { watched: GPUDevice; live: () => number } {
  const live = new Set<GPUBuffer>();
  const watched = withMethods(device, {
    createBuffer(descriptor: GPUBufferDescriptor) {
      const buffer = device.createBuffer(descriptor);
      live.add(buffer);
      const destroy = buffer.destroy.bind(buffer);
      Object.defineProperty(buffer, "destroy", {
        value: () => {
          live.delete(buffer);
          destroy();
        },
      });
      return buffer;
    },
  });
  return { watched, live: () => live.size };
}

/** `device`, but every shader is changed before it is compiled. */
function withShaders(
  device: GPUDevice,
  change: (code: string, label: string) => string,
): GPUDevice {
  return withMethods(device, {
    createShaderModule: (descriptor: GPUShaderModuleDescriptor) =>
      device.createShaderModule({
        ...descriptor,
        code: change(descriptor.code, descriptor.label ?? ""),
      }),
  });
}

/** `device` with other methods; it has pipelines of its own, as they are kept by device. */
function withMethods(device: GPUDevice, methods: object): GPUDevice {
  return new Proxy(device, {
    get(target, name) {
      if (name in methods) return Reflect.get(methods, name);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
