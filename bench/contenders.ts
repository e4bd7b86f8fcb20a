import { availableParallelism } from "node:os";
import { type GemmPrecision, planGemm } from "../src/kernels/index.ts";
import type { BenchDevices } from "./devices.ts";
import { peerVersion } from "./ensure-peers.ts";
import { ANYK, ANYK_UNCHECKED, UNCHECKED_PEER } from "./names.ts";
import { anykContender } from "./peers/anyk.ts";
import type { ContenderSource, LoadModule } from "./peers/contender.ts";
import { openGpuJs } from "./peers/gpujs.ts";
import { openJax } from "./peers/jax.ts";
import { openOnnxRuntime } from "./peers/onnxruntime.ts";
import { openOpenBlas } from "./peers/openblas.ts";
import { openTfjs } from "./peers/tfjs.ts";

/** anyk itself: in float32 on both devices, and in its other precisions where there is hardware for them. */
export function ownSources({ device, unchecked, adapter }: BenchDevices): ContenderSource[] {
  const others = adapter.software ? [] : ["f16", "f32-split"];
  return [
    { name: ANYK, group: "anyk", open: async () => anykContender({ name: ANYK, device }) },
    {
      name: ANYK_UNCHECKED,
      group: "anyk",
      async open() {
        if (!unchecked) throw new Error("no second device can be opened on this adapter");
        const note = "Dawn's disable_robustness, as ONNX Runtime sets it";
        return anykContender({ name: ANYK_UNCHECKED, device: unchecked, note });
      },
    },
    ...others.map((precision) => ({
      name: `${ANYK} ${precision}`,
      group: "anyk" as const,
      async open() {
        const gemm = { precision: precision as GemmPrecision };
        planGemm({ m: 64, k: 64, n: 64 }, device, gemm); // throws where this is not to be had
        return anykContender({ name: `${ANYK} ${precision}`, device, gemm });
      },
    })),
  ];
}

/** Everybody else. `navigator.gpu` must be there. */
export function peerSources(): ContenderSource[] {
  const jax = peerVersion("@jax-js/jax");
  const ort = { load, module: "onnxruntime-node", version: peerVersion("onnxruntime-node") };
  const note = "its own Dawn, without bounds checks";
  const cores = availableParallelism();
  return [
    { name: "tfjs webgpu", group: "webgpu", open: () => openTfjs(load) },
    { name: "jax-js webgpu", group: "webgpu", open: () => openJax(load, "webgpu", jax) },
    {
      name: UNCHECKED_PEER,
      group: "webgpu",
      open: () => openOnnxRuntime({ ...ort, provider: "webgpu", note }),
    },
    {
      name: "gpu.js webgpu",
      group: "webgpu",
      open: () => openGpuJs(load, "webgpu", peerVersion("gpu.js")),
    },
    { name: "jax-js wasm", group: "cpu", open: () => openJax(load, "wasm", jax) },
    {
      name: "onnxruntime cpu",
      group: "cpu",
      open: () => openOnnxRuntime({ ...ort, provider: "cpu" }),
    },
    ...[...new Set([1, cores])].map((threads) => ({
      name: `openblas ${threads} ${threads === 1 ? "thread" : "threads"}`,
      group: "cpu" as const,
      open: () => openOpenBlas(threads),
    })),
  ];
}

/** From bench/node_modules. CommonJS modules come as their exports. */
const load: LoadModule = async (name) => {
  const module = (await import(name)) as { readonly default?: object };
  return { ...module, ...module.default };
};
