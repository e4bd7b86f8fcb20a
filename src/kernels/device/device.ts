import { z } from "zod";

import { describeReason } from "../../core/errors.ts";
import { requireOptions } from "../../core/options.ts";
import type {
  AdapterDescription,
  AdapterSource,
  DeviceKind,
  DriverSource,
} from "./device-adapters.ts";
import { adapterTitle, describeAdapter, isSoftware, numericLimits } from "./device-adapters.ts";
import type { Finding, Surroundings } from "./device-errors.ts";
import { noDeviceError } from "./device-errors.ts";

export interface OpenDeviceOptions {
  /**
   * "auto", the default: hardware, else the system's own software driver, else SwiftShader out of
   * the npm install (Linux x64). "gpu" stops after the first, "software" begins with the second.
   */
  readonly device?: DeviceKind;
  /**
   * Also what Dawn keeps back as unsafe or not yet conforming: "chromium-experimental-subgroup-matrix"
   * (tensor cores) and, on NVIDIA, "shader-f16". For shaders of one's own, not for those of strangers.
   * Node only: in a browser its flags decide. Default false.
   */
  readonly experimental?: boolean;
  /** Stops the wait. A device that opens nevertheless is destroyed. */
  readonly signal?: AbortSignal;
}

const openDeviceSchema = z.strictObject(
  {
    device: z.enum(["auto", "gpu", "software"], 'must be "auto", "gpu" or "software"').optional(),
    experimental: z.boolean("must be true or false").optional(),
    signal: z
      .custom<AbortSignal>((value) => value instanceof AbortSignal, "must be an AbortSignal")
      .optional(),
  },
  "must be an object",
);

/** Features that kernels, here or in a pipeline, can use. None is required. */
const USEFUL_FEATURES: readonly string[] = [
  "timestamp-query",
  "shader-f16",
  "subgroups",
  "subgroup-size-control",
  "chromium-experimental-subgroup-matrix",
];

/** What WebGPU does not tell about an open device, or did not in browsers of a year ago. */
const opened = new WeakMap<GPUDevice, { driver: DriverSource; info: GPUAdapterInfo }>();

/**
 * Opens a new device at its adapter's full limits, with those features of the adapter that compute
 * kernels can use. Every call gives an independent device with a queue of its own. The caller owns
 * it and ends it with `destroy()`, which blocks until the work in flight is done.
 *
 * In Node this loads Dawn and, at most once a user, unpacks SwiftShader (15 MB) into the user's
 * cache folder; in a browser it uses `navigator.gpu`.
 *
 * @throws {NoDeviceError} that says what was found, what is missing and what to do.
 * @throws {InputError} for an unknown `device`, or an `experimental` that is no boolean.
 * @throws `signal.reason` when `signal` aborts first.
 */
export async function openDevice(options: OpenDeviceOptions = {}): Promise<GPUDevice> {
  requireOptions(openDeviceSchema, options);
  const { device: wanted = "auto", experimental = false, signal } = options;
  signal?.throwIfAborted();
  const opening = open(wanted, experimental);
  return signal ? untilAborted(opening, signal) : opening;
}

/**
 * Describes the adapters of this machine, hardware first. WebGPU has one adapter for each power
 * preference, so of several like GPUs one is listed.
 *
 * @returns an empty array where there is no adapter, or no WebGPU at all.
 */
export async function listAdapters(): Promise<readonly AdapterDescription[]> {
  const requests: readonly GPURequestAdapterOptions[] = [
    { powerPreference: "high-performance" },
    { powerPreference: "low-power" },
    { forceFallbackAdapter: true },
  ];
  const byIdentity = new Map<string, AdapterDescription>();
  for (const source of await adapterSources()) {
    const gpu = await source.connect().catch(() => undefined);
    for (const request of gpu ? requests : []) {
      const adapter = await gpu?.requestAdapter(request).catch(() => null);
      if (!adapter) continue;
      const description = describeAdapter(adapter, source.driver);
      const { vendor, architecture, device, kind } = description;
      const identity = [vendor, architecture, device, description.description, kind].join("\0");
      if (!byIdentity.has(identity)) byIdentity.set(identity, description);
    }
  }
  return [...byIdentity.values()].sort((a, b) => a.kind.localeCompare(b.kind));
}

/** What is known about an open device. */
export interface DeviceDescription extends AdapterDescription {
  /** True where it computes on the CPU: a CPU worker is faster there than any shader. */
  readonly software: boolean;
}

/** Describes an open device, whoever opened it. Limits and features are those that it was given. */
export function describeDevice(device: GPUDevice): DeviceDescription {
  const known = opened.get(device);
  const adapterInfo: GPUAdapterInfo | undefined = device.adapterInfo;
  const info = adapterInfo ?? known?.info ?? UNKNOWN;
  const { limits, features } = device;
  const description = describeAdapter({ info, limits, features }, known?.driver ?? "unknown");
  return { ...description, software: description.kind === "software" };
}

const UNKNOWN: GPUAdapterInfo = {
  __brand: "GPUAdapterInfo",
  vendor: "",
  architecture: "",
  device: "",
  description: "",
  isFallbackAdapter: false,
};

async function open(wanted: DeviceKind, experimental: boolean): Promise<GPUDevice> {
  const findings: Finding[] = [];
  for (const source of await adapterSources(experimental)) {
    if (wanted === "gpu" && source.softwareOnly) continue;
    const unsuitable: string[] = [];
    const { driver } = source;
    try {
      const adapter = await findAdapter(await source.connect(), wanted, unsuitable);
      if (adapter) {
        const device = await openAdapter(adapter, driver);
        if (isSoftware(adapter.info)) source.onSoftware?.();
        return device;
      }
      findings.push({ driver, unsuitable });
    } catch (cause) {
      findings.push({ driver, unsuitable, failure: { reason: describeReason(cause), cause } });
    }
  }
  throw noDeviceError({ wanted, surroundings: surroundings(), findings });
}

async function findAdapter(
  gpu: GPU,
  wanted: DeviceKind,
  unsuitable: string[],
): Promise<GPUAdapter | undefined> {
  const requests: readonly GPURequestAdapterOptions[] =
    wanted === "software"
      ? [{ forceFallbackAdapter: true }, {}] // some implementations know their software adapter only as the default
      : [{ powerPreference: "high-performance" }];
  for (const request of requests) {
    const adapter = await gpu.requestAdapter(request);
    if (!adapter) continue;
    if (wanted === "auto" || isSoftware(adapter.info) === (wanted === "software")) return adapter;
    unsuitable.push(adapterTitle(adapter.info));
  }
  return undefined;
}

async function openAdapter(adapter: GPUAdapter, driver: DriverSource): Promise<GPUDevice> {
  const useful = [...adapter.features].filter((name) => USEFUL_FEATURES.includes(name));
  const device = await adapter.requestDevice({
    label: "anyk",
    requiredFeatures: useful as GPUFeatureName[],
    requiredLimits: numericLimits(adapter.limits),
  });
  opened.set(device, { driver, info: adapter.info });
  return device;
}

interface Platform {
  readonly navigator?: { readonly gpu?: GPU };
  readonly process?: { readonly platform?: string; readonly versions?: { readonly node?: string } };
  readonly isSecureContext?: boolean;
}

function surroundings(): Surroundings {
  const { navigator, process, isSecureContext = true } = globalThis as unknown as Platform;
  if (process?.versions?.node) return { kind: "node", platform: process.platform ?? "unknown" };
  return { kind: "browser", hasWebGpu: !!navigator?.gpu, secureContext: isSecureContext };
}

/** The places to ask on this machine, in the order of "auto". */
async function adapterSources(experimental = false): Promise<readonly AdapterSource[]> {
  if (surroundings().kind === "node") {
    // The only way to Dawn, and a browser never takes it.
    const { dawnSources } = await import(/* @vite-ignore */ /* webpackIgnore: true */ "./dawn.ts");
    return dawnSources(experimental);
  }
  const gpu = (globalThis as unknown as Platform).navigator?.gpu;
  return gpu ? [{ driver: "browser", softwareOnly: false, connect: async () => gpu }] : [];
}

function untilAborted(opening: Promise<GPUDevice>, signal: AbortSignal): Promise<GPUDevice> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    opening
      .then((device) => (signal.aborted ? device.destroy() : resolve(device)), reject)
      .finally(() => signal.removeEventListener("abort", onAbort));
  });
}
