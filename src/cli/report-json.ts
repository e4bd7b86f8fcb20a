import type { UndecodableError } from "../index.ts";
import type { Attempt } from "./attempts.ts";
import type { FailedRun } from "./engine-run.ts";
import type { MultiplyRun, OperandRun } from "./multiply-run.ts";
import { reasonText } from "./report.ts";

/**
 * A number in JSON, which has no word for those that are not finite: they are the strings
 * "Infinity", "-Infinity" and "NaN".
 */
export type JsonNumber = number | "Infinity" | "-Infinity" | "NaN";

/** What `anyk multiply --json` prints. Keys are added, never renamed or removed. Times are in ms. */
export interface MultiplyJson {
  readonly anyk: string;
  readonly a: OperandJson;
  readonly b: OperandJson;
  /** `file` is null when C was not written. */
  readonly c: {
    readonly file: string | null;
    readonly dtype: "float32" | "float64" | null;
    readonly rows: number;
    readonly cols: number;
  };
  readonly code: {
    readonly name: string;
    readonly tasks: number;
    readonly recoveryThreshold: JsonNumber;
  };
  readonly workers: readonly string[];
  readonly device: { readonly kind: string; readonly description: string };
  readonly seed: number;
  readonly straggle: readonly string[];
  /** False when a deadline ended the race before C was decodable. */
  readonly complete: boolean;
  readonly decodedAtMs: number;
  readonly elapsedMs: number;
  /** How long all tasks would have taken; `kind` is "measured", "estimated" or "at least". */
  readonly waitForAll: { readonly ms: JsonNumber; readonly kind: string };
  /** `bound` and `residual` are parts of ‖A‖·‖B‖, `predicted` of ‖A·B‖. */
  readonly error: {
    readonly bound: JsonNumber;
    readonly predicted: JsonNumber;
    readonly residual: JsonNumber;
    /** The residual as a part of ‖C‖. */
    readonly relative: JsonNumber;
    /** False when the residual is far beyond the bound: a worker returned wrong numbers. */
    readonly consistent: boolean;
  };
  /** Tasks, in order of arrival. */
  readonly used: readonly number[];
  readonly stragglers: readonly number[];
  readonly failures: readonly { readonly task: number; readonly reason: string }[];
  readonly unsent: readonly number[];
  /** What the bars of the timeline show; null for what did not happen or is not known. */
  readonly timeline: readonly AttemptJson[];
}

/** One operand in JSON. */
interface OperandJson {
  readonly file: string;
  readonly rows: number;
  readonly cols: number;
  readonly dtype: string;
  /** How many values float32 could not hold exactly, and the largest relative change among them. */
  readonly rounded: number;
  readonly largestRelativeChange: number;
  readonly finite: boolean;
}

/** One bar of the timeline in JSON. */
interface AttemptJson {
  readonly task: number;
  readonly worker: string;
  readonly outcome: Attempt["outcome"];
  readonly sentMs: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  readonly expectedEndMs: JsonNumber | null;
}

/** A run as plain data that `JSON.stringify` keeps whole. */
export function multiplyJson(run: MultiplyRun, version: string): MultiplyJson {
  const { product, output, code } = run;
  const { bound, predicted, residual, relative, consistent } = product.error;
  return {
    anyk: version,
    a: operandJson(run.a),
    b: operandJson(run.b),
    c: {
      file: output?.file ?? null,
      dtype: output?.dtype ?? null,
      rows: product.c.rows,
      cols: product.c.cols,
    },
    code: { ...code, recoveryThreshold: jsonNumber(code.recoveryThreshold) },
    workers: run.workers,
    device: { kind: run.device.kind, description: run.device.description },
    seed: run.seed,
    straggle: run.straggle,
    complete: product.complete,
    decodedAtMs: product.decodedAtMs,
    elapsedMs: product.elapsedMs,
    waitForAll: { ms: jsonNumber(run.waitForAll.ms), kind: run.waitForAll.kind },
    error: {
      bound: jsonNumber(bound),
      predicted: jsonNumber(predicted),
      residual: jsonNumber(residual),
      relative: jsonNumber(relative),
      consistent,
    },
    used: product.used,
    stragglers: product.stragglers,
    failures: product.failures.map(({ task, reason }) => ({ task, reason: reasonText(reason) })),
    unsent: run.unsent,
    timeline: run.attempts.map(attemptJson),
  };
}

/** What `anyk multiply --json` prints of a run that was not decodable, with exit code 3. */
interface UndecodableJson {
  readonly anyk: string;
  /** `code` is "ERR_UNDECODABLE"; `received` holds tasks in order of arrival. */
  readonly undecodable: {
    readonly code: string;
    readonly message: string;
    readonly received: readonly number[];
    readonly recoveryThreshold: JsonNumber;
  };
  readonly failures: readonly { readonly task: number; readonly reason: string }[];
  readonly unsent: readonly number[];
  readonly timeline: readonly AttemptJson[];
}

/** A run that came to nothing, as plain data. */
export function undecodableJson(
  error: UndecodableError,
  run: FailedRun,
  version: string,
): UndecodableJson {
  const { code, message, received, recoveryThreshold } = error;
  return {
    anyk: version,
    undecodable: { code, message, received, recoveryThreshold: jsonNumber(recoveryThreshold) },
    failures: error.failures.map(({ task, reason }) => ({ task, reason: reasonText(reason) })),
    unsent: run.unsent,
    timeline: run.attempts.map(attemptJson),
  };
}

/** A number, or its name where JSON cannot hold it. */
export function jsonNumber(value: number): JsonNumber {
  return Number.isFinite(value) ? value : (String(value) as JsonNumber);
}

function operandJson({ file, rows, cols, dtype, notes }: OperandRun): OperandJson {
  const { rounded, largestRelativeChange, firstNonFinite } = notes;
  return { file, rows, cols, dtype, rounded, largestRelativeChange, finite: !firstNonFinite };
}

function attemptJson(attempt: Attempt): AttemptJson {
  const { task, worker, outcome, sentMs, startedMs, endedMs, expectedEndMs } = attempt;
  return {
    task,
    worker,
    outcome,
    sentMs,
    startedMs: startedMs ?? null,
    endedMs: endedMs ?? null,
    expectedEndMs: expectedEndMs === undefined ? null : jsonNumber(expectedEndMs),
  };
}
