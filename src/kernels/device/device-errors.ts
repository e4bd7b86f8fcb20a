import { NoDeviceError } from "../../core/errors.ts";
import type { DeviceKind, DriverSource } from "./device-adapters.ts";

/** Where a device was looked for. `secureContext` is false on a page that came over plain http. */
export type Surroundings =
  | { readonly kind: "node"; readonly platform: string }
  | { readonly kind: "browser"; readonly hasWebGpu: boolean; readonly secureContext: boolean };

/** What became of one source of adapters. */
export interface Finding {
  readonly driver: DriverSource;
  /** Adapters that are there, but not of the kind that was asked for. */
  readonly unsuitable: readonly string[];
  /** Why the source or its adapter could not be used. */
  readonly failure?: { readonly reason: string; readonly cause: unknown };
}

interface Search {
  readonly wanted: DeviceKind;
  readonly surroundings: Surroundings;
  readonly findings: readonly Finding[];
}

/** Makes the error for a search that found no device: what is there, what is not, what to do. */
export function noDeviceError(search: Search): NoDeviceError {
  const causes = search.findings.flatMap(({ failure }) => (failure ? [failure.cause] : []));
  return new NoDeviceError(`${problem(search)}. ${advice(search)}.`, {
    cause: new AggregateError(causes),
  });
}

function problem({ wanted, surroundings, findings }: Search): string {
  if (surroundings.kind === "browser" && !surroundings.hasWebGpu) {
    return "this browser has no WebGPU: navigator.gpu is missing";
  }
  const unsuitable = findings.flatMap((finding) => finding.unsuitable);
  const empty = findings.filter((finding) => finding.unsuitable.length === 0);
  const reasons = empty.map(
    ({ driver, failure }) => `${driver}: ${failure?.reason ?? "no adapter"}`,
  );
  const details = reasons.length > 0 ? ` (${reasons.join("; ")})` : "";
  const missing = { auto: "adapter", gpu: "GPU", software: "software adapter" }[wanted];
  if (unsuitable.length > 0) {
    const other = wanted === "gpu" ? "software" : "a GPU";
    return `no ${missing} was found, only ${other}: ${unsuitable.join(", ")}${details}`;
  }
  const where = surroundings.kind === "browser" ? "this browser's WebGPU" : "this machine";
  return `${where} offers no ${missing}${details}`;
}

function advice({ wanted, surroundings }: Search): string {
  if (surroundings.kind === "browser") {
    if (!surroundings.secureContext) return "Open the page over https or from localhost";
    if (!surroundings.hasWebGpu) return "Use a current Chrome, Edge, Firefox or Safari";
    if (wanted === "software") return 'Ask for device "gpu" or "auto"';
    return "Turn on hardware acceleration in the browser's settings and update the GPU's driver";
  }
  const onLinux = surroundings.platform === "linux";
  const driver = onLinux
    ? "Install the GPU's Vulkan driver and the Vulkan loader (Debian: libvulkan1)"
    : "Update the GPU's driver";
  const software = onLinux
    ? "npm install @sparticuz/chromium (Linux x64) or a software Vulkan driver (Debian: mesa-vulkan-drivers)"
    : 'ask for device "gpu"';
  if (wanted === "gpu") return `${driver}, or ask for device "auto" or "software"`;
  return wanted === "auto" ? `${driver}; for software, ${software}` : `For software, ${software}`;
}
