import path from "node:path";
import { create } from "webgpu";
import { dawnSources } from "../src/kernels/device/dawn.ts";
import { unpackSwiftShader, withSwiftShader } from "../src/kernels/device/swiftshader.ts";
import { describeDevice, openDevice } from "../src/kernels/index.ts";
import type { AdapterRecord } from "./record.ts";

/** What every contender of this run computes on. */
export interface BenchDevices {
  readonly device: GPUDevice;
  readonly adapter: AdapterRecord;
  /**
   * Another device on the same adapter, without Dawn's bounds checks: what ONNX Runtime, which turns
   * them off, is to be compared with.
   */
  readonly unchecked: GPUDevice | undefined;
}

export type DeviceWish = "auto" | "gpu" | "software";

/** Dawn's objects crash the process when they are collected. */
const instances: GPU[] = [];

/**
 * Opens anyk's device and makes `navigator.gpu` hand out adapters of the same driver, from the same
 * instance of Dawn, to whoever asks: the peers do when they are loaded.
 *
 * @throws {NoDeviceError} where there is no such device.
 */
export async function openBenchDevices(wish: DeviceWish): Promise<BenchDevices> {
  const device = await openDevice({ device: wish });
  const { driver, software, ...about } = describeDevice(device);
  const source = dawnSources().find((each) => each.driver === driver)!;
  const gpu = await source.connect();
  const request = (from: GPU) => adapterOf(from, software);
  Object.defineProperty(globalThis, "navigator", {
    configurable: true,
    value: {
      userAgent: "node",
      platform: "Linux",
      language: "en",
      hardwareConcurrency: (await import("node:os")).availableParallelism(),
      gpu: {
        requestAdapter: () => request(gpu),
        getPreferredCanvasFormat: () => "bgra8unorm",
        wgslLanguageFeatures: gpu.wgslLanguageFeatures,
      },
    },
  });
  const unchecked = await openUnchecked(device, { software, fromNpm: source.softwareOnly });
  const { vendor, architecture, description, subgroupMinSize, subgroupMaxSize } = about;
  return {
    device,
    unchecked,
    adapter: {
      slug: slugOf(description || `${vendor} ${architecture}`),
      description,
      vendor,
      architecture,
      driver,
      software,
      subgroupSizes: `${subgroupMinSize ?? "?"}–${subgroupMaxSize ?? "?"}`,
      features: about.features,
      limits: about.limits,
    },
  };
}

async function adapterOf(gpu: GPU, software: boolean): Promise<GPUAdapter | null> {
  if (!software) return gpu.requestAdapter({ powerPreference: "high-performance" });
  return (await gpu.requestAdapter({ forceFallbackAdapter: true })) ?? gpu.requestAdapter();
}

async function openUnchecked(
  like: GPUDevice,
  { software, fromNpm }: { readonly software: boolean; readonly fromNpm: boolean },
): Promise<GPUDevice | undefined> {
  const gpu = create([
    ...(fromNpm ? ["backend=vulkan"] : []),
    "enable-dawn-features=disable_robustness,allow_unsafe_apis",
  ]);
  instances.push(gpu);
  if (fromNpm) {
    const folder = await unpackSwiftShader();
    await withSwiftShader(folder, () => gpu.requestAdapter());
    // For ONNX Runtime, whose own Dawn looks for a driver later on.
    const manifest = path.join(folder, "vk_swiftshader_icd.json");
    process.env.VK_DRIVER_FILES = manifest;
    process.env.VK_ICD_FILENAMES = manifest;
  }
  const adapter = await adapterOf(gpu, software);
  const requiredLimits: Record<string, number> = {};
  for (const name in like.limits) {
    const value: unknown = Reflect.get(like.limits, name);
    if (typeof value === "number") requiredLimits[name] = value;
  }
  const requiredFeatures = [...like.features] as GPUFeatureName[];
  return adapter?.requestDevice({ requiredFeatures, requiredLimits }).catch(() => undefined);
}

/** "llvmpipe (LLVM 15, 256 bits)" is llvmpipe. */
function slugOf(description: string): string {
  const known = /llvmpipe|swiftshader/i.exec(description)?.[0];
  const name = known ?? description.replace(/\(.*/, "");
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return slug || "unknown";
}
