import { z } from "zod";
import type { BlockCombination, Code } from "../core/code.ts";
import type { ComputeWorker } from "../core/worker.ts";
import { isDevice } from "../kernels/device/is-device.ts";

/** Where an engine computes. Every field is optional. */
export interface EngineOptions {
  /**
   * How many logical workers this machine's devices are to be, or the workers themselves. Default: one
   * per GPU device, or one per core where the CPU computes. Workers that are given stay the caller's:
   * disposing of the engine leaves them alone.
   */
  readonly workers?: number | readonly ComputeWorker[];
  /**
   * "auto" (default): a GPU if there is one, else the CPU. "gpu": hardware or an error. "software":
   * WGSL on a software adapter, for tests. "cpu": onnxruntime-node where it is
   * installed, else WebAssembly. A `GPUDevice` stays the caller's. With
   * workers given, the device only encodes and decodes, and the default is "cpu".
   */
  readonly device?: "auto" | "gpu" | "software" | "cpu" | GPUDevice;
  /** How many GPU devices, each with a queue of its own, the logical workers share. Default 1. */
  readonly devices?: number;
  /** Stops waiting for devices. */
  readonly signal?: AbortSignal;
}

const positive = "must be a finite number above 0";
const MOST_WORKERS = 4096;
const countRule = `must be an integer from 1 to ${MOST_WORKERS}`;

const count = z.number(countRule).int(countRule).min(1, countRule).max(MOST_WORKERS, countRule);
const signal = z.custom<AbortSignal>(
  (value) => value instanceof AbortSignal,
  "must be an AbortSignal",
);

export const engineOptionsSchema = z.strictObject({
  workers: z
    .custom(
      (value) =>
        Array.isArray(value)
          ? value.length > 0 && value.every(isWorker)
          : count.safeParse(value).success,
      `${countRule} or a list of at least one worker`,
    )
    .optional(),
  device: z
    .custom(
      (value) => ["auto", "gpu", "software", "cpu"].includes(value as string) || isDevice(value),
      'must be "auto", "gpu", "software", "cpu" or a GPUDevice',
    )
    .optional(),
  devices: count.optional(),
  signal: signal.optional(),
});

export const multiplyOptionsSchema = z.strictObject({
  code: z.custom(isCode, "must be a Code whose tables fit its partition and tasks").optional(),
  deadlineMs: z.number(positive).positive(positive).optional(),
  tolerance: z.number(positive).positive(positive).optional(),
  verify: z.boolean("must be true or false").optional(),
  signal: signal.optional(),
  onProgress: z.custom((value) => typeof value === "function", "must be a function").optional(),
  allowNonFinite: z.boolean("must be true or false").optional(),
});

/** Whether a code that may be the caller's own is one, as far as its shape tells. */
function isCode(value: unknown): boolean {
  const code = value as Partial<Code> | null;
  const { partition, tasks = 0, encodePlan } = code ?? {};
  if (typeof code?.canDecode !== "function" || typeof code.decodePlan !== "function") return false;
  if (!partition || !encodePlan || !(Number.isSafeInteger(tasks) && tasks > 0)) return false;
  const { m, k, n } = partition;
  const fits = ({ rows, cols, weights }: BlockCombination, blocks: number) =>
    rows === tasks && cols === blocks && weights.length === rows * cols;
  return fits(encodePlan.a, m * k) && fits(encodePlan.b, k * n);
}

function isWorker(value: unknown): boolean {
  const worker = value as Partial<ComputeWorker> | null;
  return typeof worker?.id === "string" && typeof worker.multiply === "function";
}
