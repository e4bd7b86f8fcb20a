import { InputError, ShapeError } from "../core/errors.ts";
import { gemmFamilies } from "./gemm-families.ts";
import type { GemmConfig, GemmFamily, GemmPrecision } from "./gemm-family.ts";
import type { GemmTuning } from "./tuning.ts";

/** How a GEMM is to be planned. Every field is optional. */
export interface GemmOptions {
  /**
   * What A and B are stored as: float32, the default, or halves ("f16"). C is float32, and so are products
   * and sums. Halves of less than 2^-14 may count as 0. "f32-split" is for float32 on tensor cores, each
   * element as a pair of halves: see gemm-matrix.ts for what it guarantees.
   */
  readonly precision?: GemmPrecision;
  /** A is stored k×m. Default false. */
  readonly transposeA?: boolean;
  /** B is stored n×k. Default false. */
  readonly transposeB?: boolean;
  /** The kernel; "auto", the default, chooses by device and shape. */
  readonly family?: "auto" | GemmFamily;
  /**
   * Parameters of the kernel that are not to be the planner's choice. Each family has its own, besides
   * `splits`: in how many parts k is summed. Goes with a family.
   */
  readonly config?: GemmConfig;
  /** What was found fastest on this device, for "auto". */
  readonly tuned?: GemmTuning | undefined;
  /** Elements between the rows of each matrix as stored. Default: its columns, no gaps. */
  readonly strides?: { readonly a?: number; readonly b?: number; readonly c?: number };
  /** Elements before the first of each matrix in its buffer. Default 0. */
  readonly offsets?: { readonly a?: number; readonly b?: number; readonly c?: number };
  /** Several products of one shape in one go: A_i·B_i for i < count. */
  readonly batch?: GemmBatch;
  /** C += A·B instead of C = A·B. Default false. */
  readonly accumulate?: boolean;
  /**
   * At most this many floating-point operations (2·m·k·n) in one dispatch, and never fewer than one
   * workgroup does at a time: short dispatches keep a slow device responsive. Default: no limit.
   */
  readonly maxFlopsPerPass?: number;
}

/** Products of one shape whose matrices lie at equal distances in the three buffers. */
export interface GemmBatch {
  readonly count: number;
  /**
   * Elements from a matrix to the next one in its buffer. Default: one follows the other. 0 for A or B:
   * all products share it.
   */
  readonly strides?: { readonly a?: number; readonly b?: number; readonly c?: number };
}

/**
 * @throws {InputError} for an option that is out of range, by name.
 * @throws {ShapeError} for a batch without products.
 */
export function requireKnownOptions(options: GemmOptions): void {
  const { precision = "f32", family = "auto", maxFlopsPerPass = 1, config, batch } = options;
  if (!["f32", "f16", "f32-split"].includes(precision)) {
    throw new InputError(`precision must be "f32", "f16" or "f32-split", got ${String(precision)}`);
  }
  if (family !== "auto" && !gemmFamilies.includes(family)) {
    const known = ["auto", ...gemmFamilies].join(", ");
    throw new InputError(`family must be one of ${known}, got ${String(family)}`);
  }
  if (config && family === "auto" && Object.keys(config).some((name) => name !== "splits")) {
    throw new InputError("config must go with a family: each has parameters of its own");
  }
  if (!(maxFlopsPerPass > 0)) {
    throw new InputError(`maxFlopsPerPass must be positive, got ${String(maxFlopsPerPass)}`);
  }
  if (batch && !(Number.isSafeInteger(batch.count) && batch.count >= 1)) {
    throw new ShapeError(`batch.count must be a positive integer, got ${String(batch.count)}`);
  }
}
