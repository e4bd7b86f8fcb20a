// @ts-nocheck: a clone that never ran the benchmark has no bench/node_modules to take types from.
/** @file The peers' browser builds, for a bundler: it must see each name where it is imported. */

const modules = {
  "@tensorflow/tfjs-core": () => import("@tensorflow/tfjs-core"),
  "@tensorflow/tfjs-backend-webgpu": () => import("@tensorflow/tfjs-backend-webgpu"),
  "@jax-js/jax": () => import("@jax-js/jax"),
  "onnxruntime-web/webgpu": () => import("onnxruntime-web/webgpu"),
  "gpu.js": () => import("gpu.js"),
};

/** @type {import("./contender.ts").LoadModule} */
export async function loadBrowserModule(name) {
  const module = await modules[name]();
  return { ...module, ...module.default };
}
