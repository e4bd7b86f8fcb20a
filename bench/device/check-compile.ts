/**
 * @file Whether Dawn's compiler takes every subgroup-matrix shader that a plan can ask for. It needs no
 * driver: Dawn's null backend compiles and validates, and runs nothing.
 */
import { create, globals } from "webgpu";
import { gemmMatrix } from "../../src/kernels/gemm/gemm-matrix.ts";
import {
  type GemmConfig,
  type GemmDevice,
  type GemmOptions,
  type GemmPrecision,
  gemmCandidates,
  planGemm,
  prepareGemm,
} from "../../src/kernels/index.ts";
import { withPrelude } from "../../src/kernels/pipelines.ts";
import {
  MATRIX_FEATURES,
  type MatrixSides,
  matrixDevice,
} from "../../test/support/subgroup-matrix.ts";
import type { CheckCase, CheckGroup } from "./check-runner.ts";

/** Dawn crashes once what `create` returned has been collected. */
const instances: GPU[] = [];

/** Of halves summed in float32: what NVIDIA's drivers offer, and smaller ones of others. */
const SIDES: readonly MatrixSides[] = [
  { M: 16, N: 16, K: 16 },
  { M: 16, N: 8, K: 16 },
  { M: 16, N: 8, K: 8 },
  { M: 8, N: 16, K: 16 },
  { M: 8, N: 8, K: 8 },
];
const PRECISIONS = ["f16", "f32-split"] as const;

/** Groups for every shape of subgroup matrices; all combinations of parameters, unless quick. */
export async function compileGroups({ quick }: { readonly quick: boolean }): Promise<CheckGroup[]> {
  const device = await openNull();
  return PRECISIONS.flatMap((precision) =>
    SIDES.flatMap((sides) => {
      const on = matrixDevice(roomyLimits(device), { matrices: [sides], lanes: 32 });
      const name = `${precision} ${sides.M}×${sides.N}×${sides.K}`;
      const tight = matrixDevice(device.limits, { matrices: [sides], lanes: 32 });
      return [
        {
          name: `WGSL of ${name}`,
          cases: [...preludesOf(on, precision, !quick)].map(([prelude, plan]) =>
            moduleCase(device, prelude, plan),
          ),
        },
        { name: `pipelines of ${name}`, cases: pipelineCases(device, tight, precision) },
      ];
    }),
  );
}

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

/** What a large GPU allows, as far as plans look at it. */
function roomyLimits({ limits }: GPUDevice): GemmDevice["limits"] {
  return {
    maxBufferSize: 2 ** 31,
    maxStorageBufferBindingSize: 2 ** 31 - 4,
    minStorageBufferOffsetAlignment: limits.minStorageBufferOffsetAlignment,
    minUniformBufferOffsetAlignment: limits.minUniformBufferOffsetAlignment,
    maxComputeWorkgroupsPerDimension: limits.maxComputeWorkgroupsPerDimension,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupStorageSize: 49_152,
  };
}

const orders = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => ({ transposeA, transposeB })),
);
const problems: readonly (GemmOptions & { readonly shape: [number, number, number] })[] = [
  { shape: [512, 512, 512] },
  { shape: [500, 77, 33], strides: { c: 35 }, accumulate: true },
  { shape: [5, 3, 9], batch: { count: 3 } },
  { shape: [64, 4096, 64] },
  { shape: [8192, 8192, 8192] },
];

/** First lines of the shader, each with the plan that asks for it. */
function preludesOf(on: GemmDevice, precision: GemmPrecision, every: boolean): Map<string, string> {
  const found = new Map<string, string>();
  for (const { shape, ...layout } of problems) {
    const [m, k, n] = shape;
    for (const order of orders) {
      const options = { precision, ...layout, ...order };
      const starts = gemmCandidates({ m, k, n }, on, options)
        .filter(({ family }) => family === "matrix")
        .map(({ config }) => config);
      for (const config of every ? [...starts, ...allConfigs()] : starts) {
        const prelude = preludeOf(on, { m, k, n }, { ...options, family: "matrix", config });
        const name = `${m}×${k}×${n} ${JSON.stringify({ ...layout, ...order, ...config })}`;
        if (prelude !== undefined && !found.has(prelude)) found.set(prelude, name);
      }
    }
  }
  return found;
}

/** Undefined for a plan that no device of such limits could run. */
function preludeOf(on: GemmDevice, ...args: ShapeAndOptions): string | undefined {
  try {
    return planGemm(args[0], on, args[1]).prelude;
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_DEVICE_LIMIT") return undefined;
    throw error;
  }
}

type ShapeAndOptions = [Parameters<typeof planGemm>[0], GemmOptions];

/** Every combination of those parameters that are written into the shader. */
function allConfigs(): GemmConfig[] {
  let configs: GemmConfig[] = [{}];
  for (const [name, values] of Object.entries(gemmMatrix.parameters)) {
    if (name === "CHUNK" || name === "SWIZZLE") continue;
    configs = configs.flatMap((config) => values.map((value) => ({ ...config, [name]: value })));
  }
  return configs;
}

function moduleCase(device: GPUDevice, prelude: string, name: string): CheckCase {
  return {
    name,
    async worst() {
      device.pushErrorScope("validation");
      const module = device.createShaderModule({ code: withPrelude(gemmMatrix.code, prelude) });
      const { messages } = await module.getCompilationInfo();
      const error = await device.popErrorScope();
      const complaint = messages.find(({ type }) => type === "error")?.message ?? error?.message;
      if (complaint !== undefined) throw new Error(complaint);
      return 0;
    },
  };
}

/** Whole pipelines, with those small tiles for which the null backend has workgroup memory. */
function pipelineCases(device: GPUDevice, on: GemmDevice, precision: GemmPrecision): CheckCase[] {
  return [1, 2].flatMap((STAGES) =>
    orders.map((order) => {
      const config = { SUBGROUPS_M: 1, SUBGROUPS_N: 1, ROWS: 2, COLS: 2, STEPS: 1, STAGES };
      return {
        name: JSON.stringify({ ...config, ...order }),
        async worst() {
          const options = { precision, family: "matrix", config, ...order } as const;
          const plan = planGemm({ m: 256, k: 128, n: 192 }, on, options);
          const gemm = await prepareGemm(device, plan);
          gemm[Symbol.dispose]();
          return 0;
        },
      };
    }),
  );
}
