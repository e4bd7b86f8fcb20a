/** "gpu": hardware. "software": an adapter that computes on the CPU. "auto": the best there is. */
export type DeviceKind = "auto" | "gpu" | "software";

/** Where an adapter's driver comes from; "unknown" for a device that anyk did not open. */
export type DriverSource = "system" | "npm (SwiftShader)" | "browser" | "unknown";

/** One place to ask for adapters. Sources are tried in order, so nothing loads before it is needed. */
export interface AdapterSource {
  readonly driver: DriverSource;
  /** True where every adapter of this source computes on the CPU. */
  readonly softwareOnly: boolean;
  /**
   * Loads the driver and returns its entry point, the same one at every call.
   *
   * @throws {Error} that says in one line what is missing; the next source may still do.
   */
  connect(): Promise<GPU>;
  /** To be called once a software device of this source is open. */
  readonly onSoftware?: () => void;
}

/** An adapter as plain data: can be printed, compared and sent elsewhere. */
export interface AdapterDescription {
  /** "nvidia", "amd", "google", …; "" where the browser hides it. The next three likewise. */
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** "software" computes on the CPU: correct, but slower than a CPU library. */
  readonly kind: "hardware" | "software";
  readonly driver: DriverSource;
  /** Every numeric limit by its WebGPU name: sizes in bytes, the rest counts. */
  readonly limits: Readonly<Record<string, number>>;
  /** Sorted. */
  readonly features: readonly string[];
  /** Invocations in the smallest and in the largest subgroup, where the implementation tells. */
  readonly subgroupMinSize?: number;
  readonly subgroupMaxSize?: number;
  /** What subgroup matrices (tensor cores) can multiply, where there are any and they are offered. */
  readonly subgroupMatrices?: readonly SubgroupMatrix[];
}

/** One kind of product of subgroup matrices: M×K times K×N, of `component`, summed in `result`. */
export interface SubgroupMatrix {
  /** "f16", "f32", "i8", "u8", … */
  readonly component: string;
  readonly result: string;
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/** What an adapter and, given `info: device.adapterInfo`, a device tell about themselves. */
export interface Describable {
  readonly info: GPUAdapterInfo;
  readonly limits: GPUSupportedLimits;
  readonly features: ReadonlySet<string>;
}

/** Turns an adapter or a device into plain data. */
export function describeAdapter(
  { info, limits, features }: Describable,
  driver: DriverSource,
): AdapterDescription {
  const { vendor, architecture, device, description, subgroupMinSize, subgroupMaxSize } = info;
  const matrices = subgroupMatricesOf(info);
  return {
    vendor,
    architecture,
    device,
    description,
    kind: isSoftware(info) ? "software" : "hardware",
    driver,
    limits: numericLimits(limits),
    features: [...features].sort(),
    ...(subgroupMinSize ? { subgroupMinSize } : {}),
    ...(subgroupMaxSize ? { subgroupMaxSize } : {}),
    ...(matrices.length > 0 ? { subgroupMatrices: matrices } : {}),
  };
}

/** `GPUAdapterInfo.subgroupMatrixConfigs`, which is no part of WebGPU yet, as plain data. */
export function subgroupMatricesOf(info: Partial<GPUAdapterInfo>): readonly SubgroupMatrix[] {
  const { subgroupMatrixConfigs = [] } = info as ExperimentalInfo;
  return Array.from(subgroupMatrixConfigs, (config) => ({
    component: config.componentType,
    result: config.resultComponentType,
    m: config.M,
    k: config.K,
    n: config.N,
  }));
}

/** As in Dawn: https://dawn.googlesource.com/dawn/+/main/docs/dawn/features/subgroup_matrix.md */
interface ExperimentalInfo {
  readonly subgroupMatrixConfigs?: Iterable<{
    readonly componentType: string;
    readonly resultComponentType: string;
    readonly M: number;
    readonly N: number;
    readonly K: number;
  }>;
}

/**
 * True for an adapter that computes on the CPU. Browsers from before `isFallbackAdapter` give names;
 * without any information it is taken for hardware.
 */
export function isSoftware(info: Partial<GPUAdapterInfo> = {}): boolean {
  return (
    info.isFallbackAdapter ?? /swiftshader|llvmpipe|lavapipe|basic render/i.test(titleOf(info))
  );
}

/** The best name there is for an adapter, for messages. */
export function adapterTitle(info: GPUAdapterInfo): string {
  return titleOf(info) || "an adapter without a name";
}

function titleOf({ vendor, architecture, device, description }: Partial<GPUAdapterInfo>): string {
  return description || [vendor, architecture || device].filter((part) => part).join(" ");
}

/** All numeric limits by name. They are getters of a prototype, so spreading would find none. */
export function numericLimits(limits: GPUSupportedLimits): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const name in limits) {
    const value: unknown = Reflect.get(limits, name);
    if (typeof value === "number") numbers[name] = value;
  }
  return numbers;
}
