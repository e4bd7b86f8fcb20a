import { availableParallelism, cpus } from "node:os";

import type { AdapterDescription } from "../kernels/index.ts";
import { type CliContext, lineOptions, printLines } from "./context.ts";
import { wrapText } from "./styled-line.ts";
import { formatBytes } from "./units.ts";

/** The limits that decide what fits a device, of the many that WebGPU has. */
const KEY_LIMITS = {
  maxBufferSize: { name: "largest buffer", inBytes: true },
  maxStorageBufferBindingSize: { name: "largest binding", inBytes: true },
  maxComputeWorkgroupStorageSize: { name: "workgroup memory", inBytes: true },
  maxComputeInvocationsPerWorkgroup: { name: "invocations a workgroup", inBytes: false },
  maxComputeWorkgroupsPerDimension: { name: "workgroups a dimension", inBytes: false },
} as const;

/** What `anyk devices --json` prints. Keys are added, never renamed or removed. */
interface DevicesJson {
  /** What `--device auto` uses: the first hardware adapter, or the CPU. */
  readonly auto: "gpu" | "cpu";
  readonly adapters: readonly AdapterDescription[];
  readonly cpu: CpuDescription;
}

/** The CPU worker's machine. */
interface CpuDescription {
  readonly model: string;
  /** Threads that this process may keep busy. */
  readonly threads: number;
  /** What multiplies there, or "none: " and why nothing does. */
  readonly arithmetic: string;
}

/** `anyk devices`: what this machine can multiply on. */
export async function devicesCommand(
  { json = false }: { readonly json?: boolean },
  context: CliContext,
): Promise<void> {
  const adapters = await context.library.listAdapters();
  const cpu = {
    model: cpus()[0]?.model.trim() || "CPU",
    threads: availableParallelism(),
    arithmetic: await cpuArithmetic(context),
  };
  const auto = adapters.some(({ kind }) => kind === "hardware") ? "gpu" : "cpu";
  const devices: DevicesJson = { auto, adapters, cpu };
  const lines = json
    ? [JSON.stringify(devices, null, 2)]
    : renderDevices(devices, lineOptions(context).width);
  printLines(context.stdout, lines);
}

/** Asks a CPU worker, as what is installed need not load. The GPUs are told of even where none runs. */
async function cpuArithmetic({ library, signal }: CliContext): Promise<string> {
  try {
    await using engine = await library.createEngine({ device: "cpu", workers: 1, signal });
    return engine.device.description;
  } catch (error) {
    signal.throwIfAborted();
    return `none: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function renderDevices({ auto, adapters, cpu }: DevicesJson, width: number): string[] {
  const blocks = adapters.map((adapter) => renderAdapter(adapter, width));
  blocks.push([
    "CPU worker",
    ...row(
      "processor",
      `${cpu.model}, ${cpu.threads} thread${cpu.threads === 1 ? "" : "s"}`,
      width,
    ),
    ...row("arithmetic", cpu.arithmetic, width),
    ...row("use", "--device cpu", width),
  ]);
  const conclusion =
    auto === "gpu"
      ? "--device auto uses the GPU."
      : "This machine has no GPU that WebGPU can use. --device auto uses the CPU worker" +
        (adapters.length > 0 ? "; a software adapter is slower than that." : ".");
  const end = wrapText({ name: "", text: conclusion, indent: 0, width });
  return [...blocks.flatMap((block) => [...block, ""]), ...end];
}

function renderAdapter(adapter: AdapterDescription, width: number): string[] {
  const { vendor, architecture, device, description, kind, driver, features, limits } = adapter;
  const { subgroupMinSize: least, subgroupMaxSize: most } = adapter;
  const named = [vendor, architecture, device].filter((part) => part !== "").join(", ");
  const lines = [
    ["vendor", vendor || "not told"],
    ["architecture", architecture || "not told"],
    ["driver", driver],
    ...Object.entries(KEY_LIMITS).flatMap(([key, { name, inBytes }]) => {
      const value = limits[key];
      return value === undefined ? [] : [[name, inBytes ? formatBytes(value) : String(value)]];
    }),
    ...(least && most
      ? [["subgroup size", least === most ? `${least}` : `${least} to ${most}`]]
      : []),
    ["features", features.join(" ") || "none"],
    ["use", kind === "hardware" ? "--device gpu" : "--device software"],
  ];
  return [
    `${kind === "hardware" ? "GPU" : "Software adapter"}: ${description || named || "unnamed"}`,
    ...lines.flatMap(([name = "", text = ""]) => row(name, text, width)),
  ];
}

function row(name: string, text: string, width: number): string[] {
  return wrapText({ name: `  ${name}`, text, indent: 27, width });
}
