import type { Code } from "../index.ts";
import { InputError } from "../index.ts";
import { parseCodeSpec } from "./code-spec.ts";
import {
  count,
  type Field,
  oneOf,
  parseField,
  positive,
  positiveDuration,
  seed,
} from "./fields.ts";
import { parseStragglerSpec, type Straggling } from "./straggler-spec.ts";

/** The options of `anyk multiply` as commander gives them: text, or true for a flag. */
export interface RawMultiplyOptions {
  readonly output?: string;
  readonly timeline?: string;
  readonly dtype?: string;
  readonly code?: string;
  readonly tasks?: string;
  readonly workers?: string;
  readonly device?: string;
  readonly straggle?: readonly string[];
  readonly seed?: string;
  readonly deadline?: string;
  readonly tolerance?: string;
  readonly verify?: boolean;
  readonly allowNonFinite?: boolean;
  readonly json?: boolean;
}

/** The same, checked. Absent where the user said nothing. */
export interface MultiplyCommandOptions {
  readonly output?: string;
  /** Where the timeline goes as an SVG. */
  readonly timeline?: string;
  readonly dtype: "float32" | "float64";
  readonly code?: Code;
  readonly workers?: number;
  readonly device: "auto" | "gpu" | "software" | "cpu";
  readonly straggling: readonly Straggling[];
  readonly seed: number;
  readonly deadlineMs?: number;
  readonly tolerance?: number;
  readonly verify: boolean;
  readonly allowNonFinite: boolean;
  readonly json: boolean;
}

/** Seeds drawn when none is given; small enough to be typed again. */
const SEEDS = 2 ** 31;

/**
 * Checks the options, before a file is opened or a device is asked for.
 *
 * @param random uniform in [0, 1): the seed when none is given.
 * @throws {InputError} with argument, rule and value.
 */
export function parseMultiplyOptions(
  raw: RawMultiplyOptions,
  random: () => number,
): MultiplyCommandOptions {
  const tasks = optional("--tasks", count, raw.tasks);
  if (tasks !== undefined && raw.code === undefined) {
    throw new InputError(`--tasks needs --code, as in --code matdot:parts=2 --tasks ${tasks}`);
  }
  const code = raw.code === undefined ? undefined : parseCodeSpec(raw.code, tasks);
  const workers = optional("--workers", count, raw.workers);
  const deadlineMs = optional("--deadline", positiveDuration, raw.deadline);
  const tolerance = optional("--tolerance", positive, raw.tolerance);
  const straggling = (raw.straggle ?? []).map(parseStragglerSpec);
  if (workers !== undefined) requireWorkers(straggling, workers);
  return {
    dtype: optional("--dtype", oneOf(["float32", "float64"]), raw.dtype) ?? "float32",
    device: optional("--device", oneOf(["auto", "gpu", "software", "cpu"]), raw.device) ?? "auto",
    straggling,
    seed: optional("--seed", seed, raw.seed) ?? Math.floor(random() * SEEDS),
    verify: raw.verify ?? false,
    allowNonFinite: raw.allowNonFinite ?? false,
    json: raw.json ?? false,
    ...(raw.output !== undefined && { output: raw.output }),
    ...(raw.timeline !== undefined && { timeline: raw.timeline }),
    ...(code && { code }),
    ...(workers !== undefined && { workers }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(tolerance !== undefined && { tolerance }),
  };
}

/** @throws {InputError} when a `--straggle` names a worker beyond the `available` ones. */
export function requireWorkers(straggling: readonly Straggling[], available: number): void {
  for (const { text, workers } of straggling) {
    const highest = workers?.at(-1) ?? 0;
    if (highest >= available) {
      throw new InputError(
        `--straggle ${text}: workers must be from 0 to ${available - 1}, got ${highest}`,
      );
    }
  }
}

function optional<T>(name: string, field: Field<T>, text: string | undefined): T | undefined {
  return text === undefined ? undefined : parseField(name, field, text);
}
