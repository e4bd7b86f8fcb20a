import { z } from "zod";

import { InputError } from "../../core/errors.ts";
import { requireOptions } from "../../core/options.ts";
import type { GemmTuning } from "../tuning/tuning.ts";
import { gemmFamilies } from "./gemm-families.ts";
import type { GemmConfig, GemmFamily, GemmPrecision } from "./gemm-family.ts";

/** How a GEMM is to be planned. Every field is optional. */
export interface GemmOptions {
  /**
   * What A and B are stored as: float32, the default, or halves ("f16"). C is float32, and so are products
   * and sums. Halves of less than 2^-14 may count as 0. "f32-split" is for float32 on tensor cores, each
   * element as a pair of halves; `prepareGemm` says what each guarantees.
   */
  readonly precision?: GemmPrecision;
  /** A is stored k×m. Default false. */
  readonly transposeA?: boolean;
  /** B is stored n×k. Default false. */
  readonly transposeB?: boolean;
  /** The kernel; "auto", the default, chooses by device and shape. */
  readonly family?: "auto" | GemmFamily;
  /**
   * Parameters of the kernel that are not to be the planner's choice. Every family takes `splits`, in how
   * many parts k is summed, and `pack`, 1 where a float32 B of odd rows is to be copied to whole quads first;
   * "quad" copies what it must unless `pack` is 0. With a family its own: "quad" ROWS; "tiled" ROWS, QUADS, THREADS_M, THREADS_N, DEPTH, STAGES, SWIZZLE; "register"
   * ROWS, QUADS, THREADS_M, THREADS_N; "subgroup" ROWS, QUADS; "vector" LANES, ROWS; "matrix" SUBGROUPS_M,
   * SUBGROUPS_N, ROWS, COLS, STEPS, STAGES, SWIZZLE, CHUNK. The shaders' headers explain them.
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
   * workgroup does at a time: short dispatches keep a slow device responsive. Copies of operands are one
   * dispatch each, whatever the limit. Default: no limit.
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

const PRECISIONS = ["f32", "f16", "f32-split"] as const;
const count = "must be an integer of at least 0";
const elements = z.number(count).int(count).min(0, count);
const truth = z.boolean("must be true or false").optional();
const perMatrix = z.strictObject({
  a: elements.optional(),
  b: elements.optional(),
  c: elements.optional(),
});
const families = ["auto", ...gemmFamilies] as const;
const positive = "must be a number above 0";
const atLeastOne = "must be an integer of at least 1";

const schema = z.strictObject({
  precision: z.enum(PRECISIONS, `must be one of ${quoted(PRECISIONS)}`).optional(),
  transposeA: truth,
  transposeB: truth,
  family: z.enum(families, `must be one of ${quoted(families)}`).optional(),
  config: z.record(z.string(), z.number("must be a number")).optional(),
  tuned: z.looseObject({}, "must be a GemmTuning").optional(),
  strides: perMatrix.optional(),
  offsets: perMatrix.optional(),
  batch: z
    .strictObject(
      {
        count: z.number(atLeastOne).int(atLeastOne).min(1, atLeastOne),
        strides: perMatrix.optional(),
      },
      "must be { count, strides? }",
    )
    .optional(),
  accumulate: truth,
  // Infinity is no number to zod.
  maxFlopsPerPass: z
    .custom<number>((value) => typeof value === "number" && value > 0, positive)
    .optional(),
});

/** @throws {InputError} for an option that is unknown or out of range, by name. */
export function requireKnownOptions(options: GemmOptions): void {
  requireOptions(schema, options);
  const { family = "auto", config } = options;
  if (config && family === "auto" && Object.keys(config).some((name) => !COMMON.includes(name))) {
    throw new InputError(
      `config must go with a family, as each has parameters of its own besides ${COMMON.join(", ")}`,
    );
  }
}

/** Parameters that every family takes. */
const COMMON = ["splits", "pack"];

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
