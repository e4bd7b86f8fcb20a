import { describe, expect, test } from "vitest";

import { DeviceLimitError } from "../../src/core/errors.ts";
import { table } from "../../src/core/table.ts";
import { prepareCombine } from "../../src/kernels/combine/combine.ts";
import { planCombine } from "../../src/kernels/combine/combine-plan.ts";
import { prepareGemm } from "../../src/kernels/gemm/gemm.ts";
import { planGemm } from "../../src/kernels/gemm/gemm-plan.ts";
import { prepareFrobenius } from "../../src/kernels/reductions/frobenius.ts";
import { planFrobenius } from "../../src/kernels/reductions/frobenius-plan.ts";
import { prepareProjection } from "../../src/kernels/reductions/projection.ts";
import { planProjection } from "../../src/kernels/reductions/projection-plan.ts";
import { countingDevice } from "../support/counting-device.ts";
import { limitsWith } from "../support/limits.ts";

const shape = { rows: 5, cols: 7 };
const coefficients = table(3, 2, () => 1);

describe.each([
  {
    name: "prepareCombine",
    buffers: 2,
    prepare: (device: GPUDevice): Promise<Disposable> =>
      prepareCombine(device, planCombine(coefficients, shape, device)),
  },
  {
    name: "prepareFrobenius",
    buffers: 3,
    prepare: (device: GPUDevice): Promise<Disposable> =>
      prepareFrobenius(device, planFrobenius(shape, device, { count: 2 })),
  },
  {
    name: "prepareProjection",
    buffers: 3,
    prepare: (device: GPUDevice): Promise<Disposable> =>
      prepareProjection(device, planProjection(shape, device)),
  },
])("$name", ({ buffers: count, prepare }) => {
  test("destroys all of its buffers when it is disposed of", async () => {
    const { device, buffers } = countingDevice();
    const prepared = await prepare(device);
    expect({ ...buffers }).toEqual({ made: count, alive: count });
    prepared[Symbol.dispose]();
    expect(buffers.alive).toBe(0);
  });

  test("leaves nothing behind when a pipeline does not compile", async () => {
    const { device, buffers } = countingDevice({ compile: true });
    await expect(prepare(device)).rejects.toThrow("does not compile");
    expect(buffers.alive).toBe(0);
  });

  test("leaves nothing behind when any of its buffers cannot be made", async () => {
    for (let create = 1; create <= count; create++) {
      const { device, buffers } = countingDevice({ create });
      await expect(prepare(device)).rejects.toThrow("no such buffer");
      expect({ ...buffers }).toEqual({ made: create - 1, alive: 0 });
    }
  });

  test("reports memory that runs out as a DeviceLimitError, and gives back what it took", async () => {
    for (let memory = 1; memory <= count; memory++) {
      const { device, buffers } = countingDevice({ memory });
      await expect(prepare(device)).rejects.toThrow(DeviceLimitError);
      expect({ ...buffers }).toEqual({ made: count, alive: 0 });
    }
  });
});

test("prepareCombine leaves nothing behind when its table cannot be uploaded", async () => {
  const { device, buffers } = countingDevice({ write: true });
  const plan = planCombine(coefficients, shape, device);
  await expect(prepareCombine(device, plan)).rejects.toThrow("not written");
  expect({ ...buffers }).toEqual({ made: 2, alive: 0 });
});

describe("prepareGemm, with slices of k and a copy of B", () => {
  const buffersOfAll = 5;
  const prepare = (device: GPUDevice) => {
    const config = { splits: 4, pack: 1 };
    const plan = planGemm({ m: 70, k: 1000, n: 67 }, device, { family: "register", config });
    expect(plan.copies).toBeDefined();
    expect(plan.scratchBytes).toBeGreaterThan(0);
    return prepareGemm(device, plan);
  };

  test("destroys all of its buffers when it is disposed of", async () => {
    const { device, buffers } = countingDevice();
    const gemm = await prepare(device);
    expect({ ...buffers }).toEqual({ made: buffersOfAll, alive: buffersOfAll });
    gemm[Symbol.dispose]();
    expect(buffers.alive).toBe(0);
  });

  test("leaves nothing behind when a pipeline does not compile or a buffer cannot be made", async () => {
    const compile = countingDevice({ compile: true });
    await expect(prepare(compile.device)).rejects.toThrow("does not compile");
    expect(compile.buffers.alive).toBe(0);
    for (let create = 1; create <= buffersOfAll; create++) {
      const { device, buffers } = countingDevice({ create });
      await expect(prepare(device)).rejects.toThrow("no such buffer");
      expect(buffers.alive).toBe(0);
    }
  });

  test("reports memory that runs out as a DeviceLimitError", async () => {
    const { device, buffers } = countingDevice({ memory: 2 });
    await expect(prepare(device)).rejects.toThrow(DeviceLimitError);
    expect(buffers.alive).toBe(0);
  });

  test("keeps copies of both operands no longer than the rest", async () => {
    const lanes = { subgroupMinSize: 4, subgroupMaxSize: 4 };
    const software = {
      ...limitsWith(),
      features: new Set(["subgroups"]),
      adapterInfo: { isFallbackAdapter: true, ...lanes },
    };
    const plan = planGemm({ m: 70, k: 100, n: 67 }, software, { family: "quad" });
    expect(Object.keys(plan.copies ?? {})).toEqual(["a", "b"]);
    const { device, buffers } = countingDevice();
    const gemm = await prepareGemm(device, plan);
    expect({ ...buffers }).toEqual({ made: 5, alive: 5 }); // uniforms, and two for each copy
    gemm[Symbol.dispose]();
    expect(buffers.alive).toBe(0);
  });
});
