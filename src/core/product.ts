import type { Code } from "./code.ts";
import type { TaskFailure } from "./errors.ts";
import type { Matrix } from "./matrix.ts";

/** How one multiplication is to be done. Every field is optional. */
export interface MultiplyOptions {
  /** Default: chosen by the planner from the shape and the number of workers. */
  readonly code?: Code;
  /**
   * At this many ms after the call, the best decode so far is the answer. > 0. Decoding and measuring
   * it come on top. When no more products can come before that, the job ends at once.
   */
  readonly deadlineMs?: number;
  /** Stop as soon as the guaranteed bound is at most this, also before C is decodable. > 0. */
  readonly tolerance?: number;
  /** Freivalds check of every product; a wrong one is an erasure. Default false. */
  readonly verify?: boolean;
  /** Aborting rejects with `signal.reason` and stops the workers. */
  readonly signal?: AbortSignal;
  /** Called synchronously as things happen; what it throws rejects the multiplication. */
  readonly onProgress?: (event: ProgressEvent) => void;
  /**
   * Let NaN and ±Inf in the operands through; the error is then unbounded. Codes spread them: a coded
   * task mixes blocks. Default false.
   */
  readonly allowNonFinite?: boolean;
}

/** The answer, and everything there is to know about how it came about. */
export interface Product {
  /** Ĉ, contiguous; the caller's to keep. */
  readonly c: Matrix;
  readonly error: ErrorEstimate;
  /** Tasks whose products C was made of, in order of arrival. */
  readonly used: readonly number[];
  /** Tasks that were still running when the race was decided. */
  readonly stragglers: readonly number[];
  readonly failures: readonly TaskFailure[];
  /** In order of time. */
  readonly timeline: readonly TaskEvent[];
  /** Name of the code. */
  readonly code: string;
  /** True when C was decodable to the code's or the caller's tolerance; false when a deadline cut the race short. */
  readonly complete: boolean;
  /** When the race was decided, in ms after the call. */
  readonly decodedAtMs: number;
  /** When C and its residual were ready, in ms after the call. */
  readonly elapsedMs: number;
}

/** How wrong C can be, how wrong it should be, and how wrong it was found to be. */
export interface ErrorEstimate {
  /**
   * Guaranteed: ‖Ĉ − A·B‖_F ≤ bound · ‖A‖_F·‖B‖_F for the products of honest workers, rounding
   * and underflow included; A and B are the float32 operands. `Infinity` when nothing can be said.
   */
  readonly bound: number;
  /** Expected ‖Ĉ − A·B‖_F / ‖A·B‖_F for data without special correlation. */
  readonly predicted: number;
  /**
   * Measured: an estimate of ‖Ĉ − A·B‖_F / (‖A‖_F·‖B‖_F) from random probes in float64. Its square
   * is unbiased, so it may exceed a bound that is attained.
   */
  readonly residual: number;
  /** The same measured error as a part of ‖Ĉ‖_F, to be read beside `predicted`. */
  readonly relative: number;
  /**
   * False when the measured error is far beyond the bound, so that a worker must have returned wrong
   * numbers: the product is not to be trusted, and `verify` would have found out whose they are.
   */
  readonly consistent: boolean;
}

/** One thing that happened to one task, `atMs` after the call of `multiply`. */
export interface TaskEvent {
  readonly task: number;
  /** `id` of the worker. */
  readonly worker: string;
  /** "failed" covers a rejected worker and a product that failed its check. */
  readonly kind: "sent" | "started" | "finished" | "failed" | "aborted";
  readonly atMs: number;
}

/** Where a multiplication stands. */
export interface ProgressEvent {
  readonly phase: "encode" | "race" | "decode" | "check" | "done";
  readonly atMs: number;
  /** Products that have arrived and count. */
  readonly received: number;
  /** The code's recovery threshold; `Infinity` where there is none. */
  readonly needed: number;
  /** N. */
  readonly tasks: number;
  readonly failures: number;
  /** What happened, while the phase is "race". */
  readonly event?: TaskEvent;
}
