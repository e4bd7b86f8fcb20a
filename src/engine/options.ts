import { z } from "zod";
import type { ComputeWorker } from "../core/worker.ts";

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
   * WGSL on a software adapter, for tests. "cpu": WebAssembly. A `GPUDevice` stays the caller's. With
   * workers given, the device only encodes and decodes, and the default is "cpu".
   */
  readonly device?: "auto" | "gpu" | "software" | "cpu" | GPUDevice;
  /** How many GPU devices, each with a queue of its own, the logical workers share. Default 1. */
  readonly devices?: number;
  /** Stops waiting for devices. */
  readonly signal?: AbortSignal;
}

const positive = "must be a finite number above 0";
const worker = z.custom<ComputeWorker>(
  (value) => typeof (value as ComputeWorker | null)?.multiply === "function",
  "must be a worker with an id and a multiply method",
);
const signal = z.custom<AbortSignal>(
  (value) => value instanceof AbortSignal,
  "must be an AbortSignal",
);
const count = (name: string) =>
  z
    .number(`must be a positive integer${name}`)
    .int(`must be a positive integer${name}`)
    .min(1, `must be a positive integer${name}`)
    .max(4096, "must be at most 4096");

export const engineOptionsSchema = z.strictObject({
  workers: z
    .union([count(" or a list of workers"), z.array(worker).min(1, "must hold a worker")], {
      error: ({ input }) =>
        Array.isArray(input)
          ? "must be a list of one or more workers"
          : "must be an integer from 1 to 4096 or a list of workers",
    })
    .optional(),
  device: z
    .union([z.enum(["auto", "gpu", "software", "cpu"]), z.custom<GPUDevice>(isDevice)], {
      error: 'must be "auto", "gpu", "software", "cpu" or a GPUDevice',
    })
    .optional(),
  devices: count("").optional(),
  signal: signal.optional(),
});

export const multiplyOptionsSchema = z.strictObject({
  code: z
    .custom(
      (value) => typeof (value as { decodePlan?: unknown } | null)?.decodePlan === "function",
      "must be a Code",
    )
    .optional(),
  deadlineMs: z.number(positive).positive(positive).optional(),
  tolerance: z.number(positive).positive(positive).optional(),
  verify: z.boolean("must be true or false").optional(),
  signal: signal.optional(),
  onProgress: z.custom((value) => typeof value === "function", "must be a function").optional(),
  allowNonFinite: z.boolean("must be true or false").optional(),
});

/** A device of any implementation: Dawn's class is not a global, so `instanceof` does not tell. */
export function isDevice(value: unknown): value is GPUDevice {
  const device = value as Partial<GPUDevice> | null;
  return typeof device === "object" && typeof device?.createBuffer === "function";
}
