import { InputError } from "../core/errors.ts";
import { exponential, pareto, type Random } from "../core/random.ts";

/**
 * How a worker misbehaves. Delays are drawn anew for every task and come before its work.
 *
 * - exponential: mean `meanMs`; the model of the unequal-error-protection paper.
 * - shifted-exponential: `shiftMs` plus an exponential of mean `meanMs`.
 * - pareto: P(delay > x) = (`scaleMs` / x)^`shape` for x ≥ `scaleMs`; heavy tails.
 * - constant: always `delayMs`.
 * - dies: rejects from `afterMs` after its first task on, what it holds included.
 * - silent: takes tasks and never answers.
 * - wrong: with `probability` (default 1) one entry of a product is off by the size of its row.
 *
 * `seed` (default 0) fixes the draws; each worker id has a stream of its own.
 */
export type StragglerModel =
  | { readonly kind: "exponential"; readonly meanMs: number; readonly seed?: number }
  | {
      readonly kind: "shifted-exponential";
      readonly shiftMs: number;
      readonly meanMs: number;
      readonly seed?: number;
    }
  | {
      readonly kind: "pareto";
      readonly scaleMs: number;
      readonly shape: number;
      readonly seed?: number;
    }
  | { readonly kind: "constant"; readonly delayMs: number }
  | { readonly kind: "dies"; readonly afterMs: number }
  | { readonly kind: "silent" }
  | { readonly kind: "wrong"; readonly probability?: number; readonly seed?: number };

/** What happens to one task of a faulty worker. */
export interface InjectedFault {
  /** Wait before the work begins, in ms; `Infinity` for a silent worker. */
  readonly delayMs: number;
  /** Whether the product is corrupted. */
  readonly wrong: boolean;
}

/** Draws what happens to the next task. */
export function drawFault(model: StragglerModel, random: Random): InjectedFault {
  switch (model.kind) {
    case "exponential":
      return { delayMs: exponential(random, model.meanMs), wrong: false };
    case "shifted-exponential":
      return { delayMs: model.shiftMs + exponential(random, model.meanMs), wrong: false };
    case "pareto":
      return { delayMs: pareto(random, model.scaleMs, model.shape), wrong: false };
    case "constant":
      return { delayMs: model.delayMs, wrong: false };
    case "silent":
      return { delayMs: Number.POSITIVE_INFINITY, wrong: false };
    case "wrong":
      return { delayMs: 0, wrong: random() < (model.probability ?? 1) };
    case "dies":
      return { delayMs: 0, wrong: false };
  }
}

/** @throws {InputError} when a parameter of the model is out of range, or its kind unknown. */
export function requireModel(model: StragglerModel): void {
  switch (model.kind) {
    case "exponential":
      requireAtLeastZero("meanMs", model.meanMs);
      break;
    case "shifted-exponential":
      requireAtLeastZero("shiftMs", model.shiftMs);
      requireAtLeastZero("meanMs", model.meanMs);
      break;
    case "pareto":
      requireAbove("scaleMs", model.scaleMs);
      requireAbove("shape", model.shape);
      break;
    case "constant":
      requireAtLeastZero("delayMs", model.delayMs);
      break;
    case "dies":
      requireAtLeastZero("afterMs", model.afterMs);
      break;
    case "wrong":
      if (!((model.probability ?? 1) >= 0 && (model.probability ?? 1) <= 1)) {
        throw new InputError(`probability must be from 0 to 1, got ${model.probability}`);
      }
      break;
    case "silent":
      break;
    default:
      throw new InputError(
        `model.kind must be exponential, shifted-exponential, pareto, constant, dies, silent or ` +
          `wrong, got ${String((model as { kind: unknown }).kind)}`,
      );
  }
  if ("seed" in model && model.seed !== undefined && !Number.isFinite(model.seed)) {
    throw new InputError(`seed must be a finite number, got ${model.seed}`);
  }
}

function requireAtLeastZero(name: string, value: number): void {
  if (!(Number.isFinite(value) && value >= 0)) {
    throw new InputError(`${name} must be a finite number of at least 0, got ${value}`);
  }
}

function requireAbove(name: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) {
    throw new InputError(`${name} must be a finite number above 0, got ${value}`);
  }
}
