import { describeDevice } from "../device/device.ts";

/** Those limits on which it depends which kernels run, and how fast. */
const TELLING_LIMITS = [
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
] as const;

/** Features with which there are more kernels to choose from. */
const TELLING_FEATURES: readonly string[] = [
  "shader-f16",
  "subgroups",
  "subgroup-size-control",
  "chromium-experimental-subgroup-matrix",
];

/**
 * What devices must have in common for a result of one to be of use on the other: JSON of vendor,
 * architecture, device and its description, which names the driver's version where WebGPU tells it,
 * subgroup sizes, telling limits and features.
 */
export function deviceKey(device: GPUDevice): string {
  const { limits, features, ...about } = describeDevice(device);
  const { vendor, architecture, description, driver, subgroupMinSize, subgroupMaxSize } = about;
  return JSON.stringify({
    vendor,
    architecture,
    device: about.device,
    description,
    driver,
    subgroups: [subgroupMinSize ?? 0, subgroupMaxSize ?? 0],
    limits: Object.fromEntries(TELLING_LIMITS.map((name) => [name, limits[name] ?? 0])),
    features: features.filter((name) => TELLING_FEATURES.includes(name)),
  });
}
