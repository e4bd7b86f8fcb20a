import { anykContender } from "../../bench/peers/anyk.ts";
import { loadBrowserModule as load } from "../../bench/peers/browser-modules.js";
import type { ContenderSource } from "../../bench/peers/contender.ts";
import { openGpuJs } from "../../bench/peers/gpujs.ts";
import { openJax } from "../../bench/peers/jax.ts";
import { openOnnxRuntime } from "../../bench/peers/onnxruntime.ts";
import { openTfjs } from "../../bench/peers/tfjs.ts";
import { versions } from "./versions.ts";

const ort = { load, module: "onnxruntime-web/webgpu", version: versions["onnxruntime-web"] };
const jax = versions["@jax-js/jax"];
const gpujs = versions["gpu.js"];

const peers: readonly ContenderSource[] = [
  { name: "tfjs webgpu", group: "webgpu", open: () => openTfjs(load) },
  { name: "jax-js webgpu", group: "webgpu", open: () => openJax(load, "webgpu", jax) },
  {
    name: "onnxruntime webgpu",
    group: "webgpu",
    open: () => openOnnxRuntime({ ...ort, provider: "webgpu" }),
  },
  { name: "gpu.js webgpu", group: "webgpu", open: () => openGpuJs(load, "webgpu", gpujs) },
  { name: "gpu.js webgl2", group: "webgpu", open: () => openGpuJs(load, "webgl2", gpujs) },
  { name: "jax-js wasm", group: "cpu", open: () => openJax(load, "wasm", jax) },
  {
    name: "onnxruntime wasm",
    group: "cpu",
    open: () => openOnnxRuntime({ ...ort, provider: "wasm" }),
  },
];

export const CONTENDER_NAMES: readonly string[] = ["anyk", ...peers.map(({ name }) => name)];

/** anyk on `device`, and the peers on devices that they open themselves. */
export function contenderSources(device: GPUDevice): ContenderSource[] {
  return [
    { name: "anyk", group: "anyk", open: async () => anykContender({ name: "anyk", device }) },
    ...peers,
  ];
}
