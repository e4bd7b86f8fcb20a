import { NoDeviceError } from "../core/errors.ts";
import type { ComputeWorker } from "../core/worker.ts";
import { describeDevice, openDevice } from "../kernels/device/device.ts";
import { isDevice } from "../kernels/device/is-device.ts";
import type { TableBackend } from "../runtime/backend.ts";
import { systemClock } from "../runtime/clock.ts";
import { orAborted } from "../runtime/signals.ts";
import { type CpuComputeWorker, createCpuWorker } from "../workers/cpu-worker.ts";
import { leaseOf } from "../workers/gpu-lease.ts";
import { createGpuWorker } from "../workers/gpu-worker.ts";
import { createCpuBackend } from "./cpu-backend.ts";
import { createGpuBackend } from "./gpu-backend.ts";
import type { EngineOptions } from "./options.ts";

/** What an engine computes on. */
export interface EngineDevice {
  readonly kind: "webgpu" | "cpu";
  /** For people: the adapter, or what does the arithmetic on the CPU. */
  readonly description: string;
  /** True where it is the CPU that computes, WebGPU or not. */
  readonly software: boolean;
}

/** What an engine was given or made, and how to end what it made. */
export interface Acquired {
  readonly workers: readonly ComputeWorker[];
  readonly backend: TableBackend;
  readonly device: EngineDevice;
  release(): Promise<void>;
}

/** More threads than this do not make a product faster on any machine we know of. */
const MOST_DEFAULT_THREADS = 16;

/**
 * Finds or makes the workers and the backend that the options ask for.
 *
 * @throws {NoDeviceError} when there is no device of the kind asked for.
 * @throws `signal.reason` when `signal` aborts first. Nothing that was made is left behind either way.
 */
export async function acquire(options: EngineOptions): Promise<Acquired> {
  const given = typeof options.workers === "object" ? options.workers : undefined;
  const wanted = options.device ?? (given ? "cpu" : "auto");
  if (wanted === "cpu") return onCpu(options, given);
  if (wanted !== "auto") return onGpu({ ...options, device: wanted }, given);
  try {
    // A software adapter would be slower than the CPU worker by far, so "auto" wants hardware.
    return await onGpu({ ...options, device: "gpu" }, given);
  } catch (error) {
    if (error instanceof NoDeviceError) return onCpu(options, given);
    throw error;
  }
}

async function onGpu(
  options: EngineOptions & { readonly device: "gpu" | "software" | GPUDevice },
  given: readonly ComputeWorker[] | undefined,
): Promise<Acquired> {
  const { device: wanted, signal } = options;
  const own = !isDevice(wanted);
  const open = () =>
    own ? openDevice({ device: wanted, ...(signal && { signal }) }) : Promise.resolve(wanted);
  const devices: GPUDevice[] = [];
  try {
    for (let d = 0; d < (given || !own ? 1 : (options.devices ?? 1)); d++) {
      devices.push(await open());
    }
  } catch (error) {
    for (const device of devices) device.destroy();
    throw error;
  }
  // A device that we opened can be opened again; a caller's is the caller's to replace.
  const reopen = own ? () => openDevice({ device: wanted }) : undefined;
  const leases = devices.map((device) => leaseOf({ device, ...(reopen && { reopen }) }));
  const count = typeof options.workers === "number" ? options.workers : devices.length;
  const made = given
    ? []
    : named("gpu", count, (id, i) => createGpuWorker({ id, device: leases[i % leases.length]! }));
  const backend = createGpuBackend({
    lease: leases[0]!,
    fallback: createCpuBackend(systemClock),
  });
  const { description, vendor, architecture, software } = describeDevice(devices[0]!);
  return {
    workers: given ?? made,
    backend,
    device: { kind: "webgpu", description: description || `${vendor} ${architecture}`, software },
    async release() {
      await disposeAll(made);
      backend[Symbol.dispose]();
      if (own) for (const device of devices) device.destroy();
    },
  };
}

async function onCpu(
  options: EngineOptions,
  given: readonly ComputeWorker[] | undefined,
): Promise<Acquired> {
  const count = typeof options.workers === "number" ? options.workers : threadCount();
  const made = given ? [] : named("cpu", count, (id) => createCpuWorker({ id }));
  try {
    const describing = describeCpu(made[0]);
    const { signal } = options;
    const description = await (signal ? orAborted(describing, signal) : describing);
    return {
      workers: given ?? made,
      backend: createCpuBackend(systemClock),
      device: { kind: "cpu", description, software: true },
      release: () => disposeAll(made),
    };
  } catch (error) {
    // Not awaited: a thread ends when it has loaded its library, and an abort does not wait for that.
    void disposeAll(made);
    throw error;
  }
}

/** What multiplies, where that is ours; and why it is not the faster one, where that does not load. */
async function describeCpu(worker: CpuComputeWorker | undefined): Promise<string> {
  if (!worker) return "CPU";
  const { description, reason } = await worker.describe();
  return reason === undefined
    ? `CPU (${description})`
    : `CPU (${description}, as onnxruntime-node does not load: ${reason.split("\n")[0]})`;
}

function named<T extends ComputeWorker>(
  kind: string,
  count: number,
  make: (id: string, index: number) => T,
): T[] {
  return Array.from({ length: count }, (_, i) => make(`${kind}-${i}`, i));
}

function threadCount(): number {
  const cores =
    globalThis.process?.getBuiltinModule?.("node:os")?.availableParallelism() ??
    globalThis.navigator?.hardwareConcurrency ??
    1;
  return Math.min(MOST_DEFAULT_THREADS, cores);
}

async function disposeAll(disposables: readonly AsyncDisposable[]): Promise<void> {
  await Promise.all(disposables.map((each) => each[Symbol.asyncDispose]()));
}
