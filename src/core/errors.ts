/** Base of every error that anyk throws on purpose. `code` is stable; messages may change. */
export abstract class AnykError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Operands cannot be multiplied, or a matrix does not describe its own data. */
export class ShapeError extends AnykError {
  readonly code = "ERR_SHAPE";
}

/** A parameter of a code lies outside its range. */
export class CodeParameterError extends AnykError {
  readonly code = "ERR_CODE_PARAMETER";
}

/** The device cannot hold or run a job of this size, however it is tiled. */
export class DeviceLimitError extends AnykError {
  readonly code = "ERR_DEVICE_LIMIT";
}

/** This machine has no device of the kind that was asked for. */
export class NoDeviceError extends AnykError {
  readonly code = "ERR_NO_DEVICE";
}

/** An option, a value or a file from outside breaks its rule. */
export class InputError extends AnykError {
  readonly code = "ERR_INPUT";
}

/** A worker's device went away while it held a task. Reported as a failure of that task. */
export class DeviceLostError extends AnykError {
  readonly code = "ERR_DEVICE_LOST";
}

/** A product failed its check, so it was treated as if it had never arrived. */
export class WrongProductError extends AnykError {
  readonly code = "ERR_WRONG_PRODUCT";
}

/** Something was used after it had been disposed of. */
export class ClosedError extends AnykError {
  readonly code = "ERR_CLOSED";
}

/** One task that did not deliver, and why. */
export interface TaskFailure {
  /** Index of the task, 0 … tasks-1. */
  readonly task: number;
  /** Whatever the worker rejected with, untouched. */
  readonly reason: unknown;
}

/** No more products can come, and those that arrived do not determine C. */
export class UndecodableError extends AnykError {
  readonly code = "ERR_UNDECODABLE";
  /** Tasks whose products arrived, in order of arrival. */
  readonly received: readonly number[];
  /** How many products of this code always suffice; `Infinity` where no number does. */
  readonly recoveryThreshold: number;
  /** The tasks that failed. `cause` holds the same reasons as an `AggregateError`. */
  readonly failures: readonly TaskFailure[];

  constructor(details: {
    readonly codeName: string;
    readonly received: readonly number[];
    readonly recoveryThreshold: number;
    readonly failures: readonly TaskFailure[];
  }) {
    const { codeName, received, recoveryThreshold, failures } = details;
    const needed = !Number.isFinite(recoveryThreshold)
      ? "no number of them suffices"
      : received.length < recoveryThreshold
        ? `any ${recoveryThreshold} suffice`
        : `any ${recoveryThreshold} would in exact arithmetic, but the code is too badly conditioned`;
    super(
      `cannot decode ${codeName} from ${received.length} products [${received.join(", ")}]: ` +
        `${needed}; ${failures.length} failed${listReasons(failures)}`,
      { cause: new AggregateError(failures.map((failure) => failure.reason)) },
    );
    this.received = received;
    this.recoveryThreshold = recoveryThreshold;
    this.failures = failures;
  }
}

/** The first few reasons in brackets: a job of thousands of tasks must not make a page of message. */
function listReasons(failures: readonly TaskFailure[]): string {
  if (failures.length === 0) return "";
  const shown = failures
    .slice(0, 4)
    .map(({ task, reason }) => `task ${task}: ${describeReason(reason)}`);
  const hidden = failures.length - shown.length;
  return ` (${shown.join("; ")}${hidden > 0 ? `; and ${hidden} more` : ""})`;
}

/** One line for any thrown value. */
export function describeReason(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
