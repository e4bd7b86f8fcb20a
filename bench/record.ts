import type { Summary } from "./statistics.ts";

/** @file What one run of the benchmark knows: the content of `bench/results/<adapter>/<date>.json`. */

export interface BenchRecord {
  readonly format: "anyk-bench/1";
  readonly command: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly commit: string;
  readonly machine: MachineRecord;
  readonly adapter: AdapterRecord;
  readonly quick: boolean;
  readonly contenders: readonly ContenderRecord[];
  readonly gemm: readonly GemmRow[];
  /** Not measured by the page. */
  readonly odd?: OddRow;
  readonly tuning: readonly TuningRow[];
  readonly combine: readonly CombineRow[];
  readonly coded: readonly CodedRow[];
  readonly startup: readonly StartupRow[];
  readonly reference?: ReferenceFigures;
  readonly bars: readonly Bar[];
  /** What went wrong or was left out, in words. */
  readonly remarks: readonly string[];
}

export interface MachineRecord {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly os: string;
  readonly node: string;
}

export interface AdapterRecord {
  /** Short and fit for a folder's name: "llvmpipe", "swiftshader", "nvidia-h200". */
  readonly slug: string;
  readonly description: string;
  readonly vendor: string;
  readonly architecture: string;
  readonly driver: string;
  readonly software: boolean;
  readonly subgroupSizes: string;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** Where a contender computes, and whose it is. */
export type Group = "anyk" | "webgpu" | "cpu";

export interface ContenderRecord {
  readonly name: string;
  readonly group: Group;
  readonly version: string;
  readonly status: "ran" | "unavailable";
  /** Why it is unavailable. */
  readonly reason?: string;
  /** What a reader must know to compare alike. */
  readonly note?: string;
}

export interface Shape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/**
 * Which copies a time counts. "resident": operands and product stay on the device. "host": from arrays
 * in host memory to an array in host memory.
 */
export type Copies = "resident" | "host";

export interface GemmRow {
  readonly shape: Shape;
  /** Why the shape is here: "square", "skinny", "odd", or the paper it comes from. */
  readonly set: string;
  readonly copies: Copies;
  readonly contender: string;
  readonly group: Group;
  /** Of one product. Absent where `skipped` says why. */
  readonly seconds?: Summary;
  /** Products between two waits. */
  readonly repeats?: number;
  /** 2·m·k·n by the median. */
  readonly gflops?: number;
  /** From the call that prepares to the first product, compilation included. */
  readonly firstSeconds?: number;
  /** Largest error as a part of the error model's bound: at most 1. */
  readonly error?: number;
  readonly skipped?: string;
}

/** One shape's sweep over every kernel and configuration. */
export interface TuningRow {
  readonly shape: Shape;
  readonly chosen: string;
  readonly best: string;
  /** Rate of the choice by that of the best candidate, at most 1. */
  readonly ratio: number;
  readonly candidates: readonly {
    readonly name: string;
    readonly gflops?: number;
    readonly skipped?: string;
  }[];
}

/** An odd shape and its even neighbour, in turns. */
export interface OddRow {
  readonly odd: Shape;
  readonly even: Shape;
  readonly oddGflops: number;
  readonly evenGflops: number;
  /** Of the rates, round by round. */
  readonly ratio: Summary;
}

export interface CombineRow {
  /** "encode A, MatDot 3 of 7" and the like. */
  readonly what: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly blockBytes: number;
  readonly seconds: Summary;
  /** Bytes of inputs and outputs by the median. */
  readonly gbPerSecond: number;
  /** A copy of as many bytes from buffer to buffer on the device, read and write counted. */
  readonly copyGbPerSecond: number;
  /** The same by the fastest of the shaders that only copy (suites/shader-copy.ts). */
  readonly shaderCopyGbPerSecond: number;
  readonly error: number;
}

/** One coded product taken apart. */
export interface CodedRow {
  readonly size: number;
  readonly code: string;
  /** "stages": each on the device in turn. "engine": as the engine's progress tells them. */
  readonly how: "stages" | "engine";
  readonly encodeSeconds: number;
  readonly transferSeconds: number;
  readonly computeSeconds: number;
  readonly decodeSeconds: number;
  /** Checks, waits and whatever else the whole took. */
  readonly otherSeconds: number;
  readonly rounds: number;
  /** ‖Ĉ − C‖ by ‖C‖, measured with random probes. */
  readonly error: number;
}

/** One contender in a process of its own. */
export interface StartupRow {
  readonly contender: string;
  readonly size: number;
  /** Whether the driver's shader cache was empty. */
  readonly cache: "cold" | "warm";
  readonly openMs?: number;
  /** The first product, compilation included, from host arrays to host array. */
  readonly firstMs?: number;
  readonly secondMs?: number;
  readonly failed?: string;
}

/** `--reference FILE`: figures from elsewhere, such as cuBLAS on the same card. */
export interface ReferenceFigures {
  readonly source: string;
  /** Peak of the card in TFLOP/s for a precision, to divide by. Default for f32: 67, an H200. */
  readonly peakTflops?: Readonly<Record<string, number>>;
  readonly figures: readonly {
    readonly name: string;
    readonly m: number;
    readonly k: number;
    readonly n: number;
    readonly tflops: number;
  }[];
}

/** One promise about speed, held against this run. */
export interface Bar {
  readonly title: string;
  /** NaN becomes null in JSON: not measured. */
  readonly value: number | null;
  readonly need: number | null;
  readonly direction: "at least" | "at most";
  readonly status: "pass" | "fail" | "not measured" | "information";
  readonly detail: string;
}
