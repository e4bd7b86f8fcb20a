import { describeDevice, openDevice } from "../../src/kernels/index.ts";
import { emulatingMatrices, matrixDevice } from "../../test/support/subgroup-matrix.ts";
import { describeCommit, describeMachine } from "../machine.ts";
import type { DeviceWish } from "./arguments.ts";
import type { Facts } from "./record.ts";

/**
 * Opens the device that is to be checked or measured, with all that Dawn keeps back.
 *
 * @throws {NoDeviceError} where there is none of that kind.
 */
export async function openWished(wish: DeviceWish): Promise<GPUDevice> {
  if (wish === "emulated") return emulated(await openDevice({ device: "software" }));
  return openDevice({ device: wish, experimental: true });
}

/** Where and of what a result is. */
export function factsOf(device: GPUDevice, wish: DeviceWish): Facts {
  return {
    date: new Date().toISOString(),
    // A packed copy has no repository around it.
    commit: process.env.ANYK_COMMIT ?? describeCommit(),
    machine: describeMachine(),
    adapter: describeDevice(device),
    emulated: wish === "emulated",
  };
}

/** One line about a device, for people. */
export function titleOf({ adapter, emulated: loops }: Facts): string {
  const { description, vendor, architecture, driver, subgroupMatrices = [] } = adapter;
  const matrices = subgroupMatrices.map(
    ({ component, result, m, n, k }) => `${component}→${result} ${m}×${n}×${k}`,
  );
  return [
    `${description || [vendor, architecture].join(" ")} (${vendor} ${architecture}, driver: ${driver})`,
    `subgroup matrices${loops ? ", emulated" : ""}: ${matrices.join(", ") || "none"}`,
  ].join("; ");
}

/** A software device that says that it has subgroup matrices, and runs their shaders with loops. */
function emulated(real: GPUDevice): GPUDevice {
  const { features, adapterInfo } = matrixDevice(real.limits, {
    matrices: [{ M: 8, N: 8, K: 8 }],
    lanes: 1,
  });
  const info = {
    ...adapterInfo,
    vendor: real.adapterInfo.vendor,
    architecture: real.adapterInfo.architecture,
    device: real.adapterInfo.device,
    description: real.adapterInfo.description,
    isFallbackAdapter: true,
  };
  const seen: Readonly<Record<string, unknown>> = {
    adapterInfo: info,
    features: new Set([
      ...(features as unknown as Set<string>),
      ...[...real.features].filter((name) => name === "timestamp-query"),
    ]),
  };
  return new Proxy(emulatingMatrices(real), {
    get: (target, name) =>
      typeof name === "string" && Object.hasOwn(seen, name)
        ? seen[name]
        : Reflect.get(target, name),
  });
}
