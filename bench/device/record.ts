/** @file What one run on a device knows: the contents of check.json and results.json. */

import type { DeviceDescription, GemmPrecision, GemmShape } from "../../src/kernels/index.ts";
import type { Bar, MachineRecord, ReferenceFigures } from "../record.ts";
import type { Summary } from "../statistics.ts";

export interface Facts {
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly commit: string;
  readonly machine: MachineRecord;
  readonly adapter: DeviceDescription;
  /** True where loops stand for subgroup matrices: no figure of such a run means anything. */
  readonly emulated: boolean;
}

export interface CheckRecord extends Partial<Facts> {
  readonly format: "anyk-device-check/1";
  readonly groups: readonly GroupResult[];
  readonly passed: number;
  readonly failed: number;
  /** Left out for want of time. */
  readonly skipped: number;
}

export interface GroupResult {
  readonly name: string;
  readonly passed: number;
  /** Cases that need more than the device has: smaller tiles serve them. */
  readonly beyondDevice: number;
  readonly skipped: number;
  /** The largest error as a part of its bound. */
  readonly worst: number;
  readonly failures: readonly { readonly name: string; readonly problem: string }[];
  readonly ms: number;
}

/** One way to make one product, on one device. */
export interface GemmRow {
  readonly shape: GemmShape;
  readonly precision: GemmPrecision;
  /** Family and configuration. */
  readonly name: string;
  /** Whether the planner takes it without tuning, and with what was tuned in this run. */
  readonly own: boolean;
  readonly chosen: boolean;
  /** Of one product, resident on the device. Absent where `rejected` says why. */
  readonly ms?: Summary;
  /** 2·m·k·n by the median. */
  readonly tflops?: number;
  /** ‖Ĉ − A·B‖_F by ‖A‖_F ‖B‖_F, estimated with a random vector of ±1. */
  readonly relativeError?: number;
  readonly rejected?: string;
}

export interface CombineRow {
  readonly inputs: number;
  readonly outputs: number;
  readonly blockBytes: number;
  readonly ms: Summary;
  /** Bytes of inputs and outputs by the median. */
  readonly gbPerSecond: number;
  /** `copyBufferToBuffer` on the same device, bytes read and bytes written counted. */
  readonly copyGbPerSecond: number;
  /** The largest error as a part of its bound. */
  readonly error: number;
}

/** One coded product whose matrices never leave the device. */
export interface CodedRow {
  readonly code: string;
  readonly size: number;
  readonly precision: GemmPrecision;
  readonly encodeMs: Summary;
  /** Of as many tasks as decode C. */
  readonly productsMs: Summary;
  readonly decodeMs: Summary;
  /** The product without a code. */
  readonly uncodedMs: Summary;
  readonly relativeError: number;
  /** What `relativeError` cannot exceed. */
  readonly bound: number;
}

export interface TuningSummary {
  readonly elapsedMs: number;
  readonly buckets: readonly {
    readonly bucket: string;
    readonly best: string;
    readonly gflops: number;
    readonly gain: number;
    readonly measured: number;
    readonly rejected: number;
  }[];
  readonly skipped: readonly { readonly bucket: string; readonly reason: string }[];
}

/** What cublas.py writes; `npm run bench -- --reference` reads it, too. */
export interface CublasReference extends ReferenceFigures {
  readonly device?: string;
  readonly figures: readonly (ReferenceFigures["figures"][number] & {
    readonly medianMs?: number;
    /** ‖Ĉ − A·B‖_F by ‖A‖_F ‖B‖_F, against float64. */
    readonly relativeError?: number;
  })[];
  /** Bytes read and written by the time of a copy from tensor to tensor. */
  readonly copyGbPerSecond?: number;
}

export interface MeasureRecord extends Facts {
  readonly format: "anyk-device/1";
  readonly quick: boolean;
  readonly peakTflops: number;
  readonly tuning: TuningSummary;
  readonly gemm: readonly GemmRow[];
  readonly combine: readonly CombineRow[];
  readonly coded: readonly CodedRow[];
  readonly reference?: CublasReference;
  readonly check?: Pick<CheckRecord, "passed" | "failed" | "skipped">;
  readonly bars: readonly Bar[];
  /** What went wrong or was left out, in words. */
  readonly remarks: readonly string[];
}
