import { InputError } from "../index.ts";
import type { GemmPrecision, GemmShape } from "../kernels/index.ts";
import { oneOf, parseField, positiveDuration } from "./fields.ts";

/** The options of `anyk tune` as commander gives them. */
export interface RawTuneOptions {
  readonly device?: string;
  readonly shapes?: string;
  readonly precision?: string;
  readonly budget?: string;
  readonly experimental?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** The same, checked. Absent where the user said nothing. */
export interface TuneCommandOptions {
  readonly device: "auto" | "gpu" | "software";
  readonly shapes?: readonly GemmShape[];
  readonly precisions: readonly GemmPrecision[];
  readonly budgetMs?: number;
  /** As of `openDevice`. */
  readonly experimental: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** @throws {InputError} with argument, rule and value. */
export function parseTuneOptions(raw: RawTuneOptions): TuneCommandOptions {
  const { device = "auto", precision = "f32", shapes, budget } = raw;
  return {
    device: parseField("--device", oneOf(["auto", "gpu", "software"]), device),
    precisions: precision
      .split(",")
      .map((text) => parseField("--precision", oneOf(["f32", "f16", "f32-split"]), text)),
    experimental: raw.experimental ?? false,
    dryRun: raw.dryRun ?? false,
    json: raw.json ?? false,
    ...(shapes !== undefined && { shapes: shapes.split(",").map(parseShape) }),
    ...(budget !== undefined && { budgetMs: parseField("--budget", positiveDuration, budget) }),
  };
}

function parseShape(text: string): GemmShape {
  const [m, k, n] = (/^(\d+)[x×](\d+)[x×](\d+)$/.exec(text) ?? []).slice(1).map(Number);
  if (!m || !k || !n || !Number.isSafeInteger(m * k) || !Number.isSafeInteger(k * n)) {
    throw new InputError(
      `--shapes must be sizes m×k×n joined by commas (512x512x512,1x4096x4096), got ${JSON.stringify(text)}`,
    );
  }
  return { m, k, n };
}
