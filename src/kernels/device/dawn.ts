/**
 * @file Everything about the npm package `webgpu` (Dawn for Node): loading it, its drivers, and what
 * it needs to behave. Nothing else imports it, so browser bundles never run it.
 */

import { isMainThread } from "node:worker_threads";

import { describeReason } from "../../core/errors.ts";
import { allowNaps, throttlePolling } from "./dawn-polling.ts";
import type { AdapterSource } from "./device-adapters.ts";
import { unpackSwiftShader, withSwiftShader } from "./swiftshader.ts";

/**
 * Dawn crashes the process once an object from `create()` has been collected, so all of them live
 * as long as the process. One for each driver and set of flags is enough: each can be asked for any
 * number of adapters.
 */
const instances = new Set<GPU>();
const connections = new Map<string, Promise<GPU>>();

/** Steps of 100 µs in timestamps guard web pages against each other. Here they only blur timings. */
const EXACT_TIMESTAMPS = "disable-dawn-features=timestamp_quantization";

/**
 * Subgroup matrices are an unsafe API to Dawn, and halves on NVIDIA fail some conformance tests of
 * Vulkan (https://crbug.com/42251215); without both an NVIDIA GPU has no tensor cores here.
 */
const EXPERIMENTAL = "enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia";

/**
 * The adapters of a Node process: those of the system's drivers, then SwiftShader from npm.
 *
 * @param experimental with the features that Dawn keeps back.
 */
export function dawnSources(experimental = false): readonly AdapterSource[] {
  const flags = [EXACT_TIMESTAMPS, ...(experimental ? [EXPERIMENTAL] : [])];
  const once = (connect: (flags: readonly string[]) => Promise<GPU>) => {
    const key = [connect.name, ...flags].join(" ");
    const connection = connections.get(key) ?? connect(flags);
    connections.set(key, connection);
    return connection;
  };
  return [
    {
      driver: "system",
      softwareOnly: false,
      connect: () => once(connectToSystem),
      onSoftware: allowNaps,
    },
    {
      driver: "npm (SwiftShader)",
      softwareOnly: true,
      connect: () => once(connectToSwiftShader),
      onSoftware: allowNaps,
    },
  ];
}

async function connectToSystem(flags: readonly string[]): Promise<GPU> {
  const createInstance = await loadDawn();
  // Without a loader there is no adapter, and Dawn would print a warning about it at every start.
  if (process.platform === "linux" && !hasVulkanLoader()) {
    throw new Error("there is no Vulkan loader (libvulkan.so.1)");
  }
  return createInstance([...flags]);
}

async function connectToSwiftShader(flags: readonly string[]): Promise<GPU> {
  const createInstance = await loadDawn();
  const folder = await unpackSwiftShader();
  const gpu = createInstance(["backend=vulkan", ...flags]);
  // Dawn looks for drivers at the first request only, and does so before the call returns.
  const adapter = await withSwiftShader(folder, () => gpu.requestAdapter());
  if (adapter) return gpu;
  throw new Error(
    isMainThread
      ? `Dawn does not accept the driver in ${folder}`
      : "in a worker thread the driver is found only if the thread was started with env: SHARE_ENV",
  );
}

async function loadDawn(): Promise<(flags: string[]) => GPU> {
  let dawn: typeof import("webgpu");
  try {
    dawn = await import("webgpu");
  } catch (cause) {
    const platform = `${process.platform} ${process.arch}`;
    throw new Error(
      `the npm package webgpu cannot be loaded on ${platform}: ${describeReason(cause)}`,
      { cause },
    );
  }
  // GPUBufferUsage and its like. Whoever has defined them already keeps theirs.
  for (const [name, value] of Object.entries(dawn.globals)) {
    if (name in globalThis) continue;
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
  throttlePolling();
  return (flags) => {
    const gpu = dawn.create(flags);
    instances.add(gpu);
    return gpu;
  };
}

function hasVulkanLoader(): boolean {
  try {
    process.dlopen({ exports: {} }, "libvulkan.so.1");
    return true;
  } catch (error) {
    return String(error).includes("did not self-register"); // found, but no Node addon
  }
}
