import { beforeAll, describe, expect, test } from "vitest";
import { create, globals } from "webgpu";
import { prepareGemm } from "../../src/kernels/gemm/gemm.ts";
import type { GemmShape } from "../../src/kernels/gemm/gemm-family.ts";
import { kernelFacts } from "../../src/kernels/gemm/gemm-family.ts";
import { gemmMatrix, matrixShape } from "../../src/kernels/gemm/gemm-matrix.ts";
import type { GemmOptions } from "../../src/kernels/gemm/gemm-options.ts";
import { type GemmPlan, gemmCandidates, planGemm } from "../../src/kernels/gemm/gemm-plan.ts";
import { withPrelude } from "../../src/kernels/pipelines.ts";
import { extentBytes } from "../../src/kernels/tiling.ts";
import { MATRIX_FEATURES, type MatrixSides, matrixDevice } from "../support/subgroup-matrix.ts";

/** Dawn crashes once what `create` returned has been collected. */
const instances: GPU[] = [];

/**
 * Dawn without a driver: its compiler and its validation are real, and nothing runs. It offers no
 * `subgroupMatrixConfigs`, but allows matrices of any shape.
 */
async function openNull(): Promise<GPUDevice> {
  for (const [name, value] of Object.entries(globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value });
  }
  const gpu = create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);
  instances.push(gpu);
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error("Dawn's null backend offers no adapter");
  return adapter.requestDevice({ requiredFeatures: MATRIX_FEATURES as GPUFeatureName[] });
}

describe("gemm on subgroup matrices, in Dawn's compiler", () => {
  let device: GPUDevice;
  beforeAll(async () => {
    device = await openNull();
  });
  const shapes: readonly MatrixSides[] = [
    { M: 16, N: 16, K: 16 },
    { M: 16, N: 8, K: 16 },
    { M: 16, N: 8, K: 8 },
    { M: 8, N: 16, K: 16 },
    { M: 8, N: 8, K: 8 },
  ];
  const largeLimits = (limits: GPUSupportedLimits) => ({
    maxBufferSize: 2 ** 31,
    maxStorageBufferBindingSize: 2 ** 31 - 4,
    minStorageBufferOffsetAlignment: limits.minStorageBufferOffsetAlignment,
    minUniformBufferOffsetAlignment: limits.minUniformBufferOffsetAlignment,
    maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupStorageSize: 49_152,
  });
  const transposes = [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) => ({ transposeA, transposeB })),
  );
  const problems: readonly { readonly shape: GemmShape; readonly options: GemmOptions }[] = [
    { shape: { m: 512, k: 512, n: 512 }, options: {} },
    { shape: { m: 500, k: 77, n: 33 }, options: { strides: { c: 35 }, accumulate: true } },
    { shape: { m: 5, k: 3, n: 9 }, options: { batch: { count: 3 } } },
    { shape: { m: 64, k: 4096, n: 64 }, options: {} },
  ];

  for (const precision of ["f16", "f32-split"] as const) {
    test.each(shapes)(`every variant of ${precision} is valid WGSL: $M×$N×$K`, async (sides) => {
      const on = matrixDevice(largeLimits(device.limits), { matrices: [sides], lanes: 32 });
      const preludes = new Set<string>();
      for (const { shape, options } of problems) {
        for (const transpose of transposes) {
          const wish = { precision, ...options, ...transpose };
          for (const { family, config } of gemmCandidates(shape, on, wish)) {
            if (family !== "matrix") continue;
            preludes.add(planGemm(shape, on, { ...wish, family, config }).prelude);
          }
        }
      }
      expect(preludes.size).toBeGreaterThan(2);
      for (const prelude of preludes) {
        expect(await complaints(device, withPrelude(gemmMatrix.code, prelude))).toEqual([]);
      }
    });

    test.each(shapes)(`pipelines of ${precision} compile for $M×$N×$K`, async (sides) => {
      // The null backend has 16 KiB of workgroup memory, enough for the small tiles.
      const limits = {
        ...largeLimits(device.limits),
        maxBufferSize: device.limits.maxBufferSize,
        maxStorageBufferBindingSize: device.limits.maxStorageBufferBindingSize,
        maxComputeInvocationsPerWorkgroup: device.limits.maxComputeInvocationsPerWorkgroup,
        maxComputeWorkgroupStorageSize: device.limits.maxComputeWorkgroupStorageSize,
      };
      const on = matrixDevice(limits, { matrices: [sides], lanes: 32 });
      const small = { SUBGROUPS_M: 1, SUBGROUPS_N: 1, ROWS: 2, COLS: 2, STEPS: 1 };
      const configs = [1, 2].map((STAGES) => ({ ...small, STAGES }));
      for (const { shape, options } of problems) {
        for (const transpose of transposes) {
          for (const config of configs) {
            const wish = { precision, family: "matrix", config, ...options, ...transpose } as const;
            expect(await prepared(device, planGemm(shape, on, wish))).toBe(undefined);
          }
        }
      }
    });
  }

  test("the shader is valid as it stands", async () => {
    expect(await complaints(device, gemmMatrix.code)).toEqual([]);
  });

  test("what is checked here is really checked: a wrong matrix is refused", async () => {
    const wrong = gemmMatrix.code.replace(
      "subgroup_matrix_left<f16, K, M>",
      "subgroup_matrix_left<f32, K, M>",
    );
    expect(await complaints(device, wrong)).not.toEqual([]);
  });

  test("without unsafe APIs Dawn does not offer them", async () => {
    const gpu = create(["backend=null"]);
    instances.push(gpu);
    const adapter = await gpu.requestAdapter();
    expect(adapter?.features.has(MATRIX_FEATURES[3]!)).toBe(false);
  });

  test("a device tells its matrices where the planner looks for them", () => {
    // Dawn's binding has the list on a device's own info, if an empty one here.
    const { adapterInfo } = device;
    expect(Reflect.has(adapterInfo, "subgroupMatrixConfigs")).toBe(true);
    expect(matrixShape(kernelFacts(device))).toBe(undefined);
    expect(() => planGemm({ m: 64, k: 64, n: 64 }, device, { precision: "f32-split" })).toThrow(
      /no subgroup matrices of halves/,
    );
  });
});

/** What the compiler has to say against a shader. */
async function complaints(device: GPUDevice, code: string): Promise<string[]> {
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code });
  const { messages } = await module.getCompilationInfo();
  const error = await device.popErrorScope();
  const errors = messages.filter(({ type }) => type === "error").map(({ message }) => message);
  return error && errors.length === 0 ? [error.message] : errors;
}

/** Compiles and records a plan; the validation error, if there is one. */
async function prepared(device: GPUDevice, plan: GemmPlan): Promise<string | undefined> {
  device.pushErrorScope("validation");
  const buffers: Record<"a" | "b" | "c", GPUBuffer> = {
    a: storage(device, plan.a),
    b: storage(device, plan.b),
    c: storage(device, plan.c),
  };
  let thrown: unknown;
  try {
    using gemm = await prepareGemm(device, plan);
    const encoder = device.createCommandEncoder();
    gemm.record(encoder, buffers);
    device.queue.submit([encoder.finish()]);
  } catch (error) {
    thrown = error;
  }
  const error = await device.popErrorScope();
  for (const buffer of Object.values(buffers)) buffer.destroy();
  return error?.message ?? (thrown === undefined ? undefined : String(thrown));
}

function storage(device: GPUDevice, stored: Parameters<typeof extentBytes>[0]): GPUBuffer {
  return device.createBuffer({ size: extentBytes(stored), usage: GPUBufferUsage.STORAGE });
}
