import { InputError } from "../index.ts";
import { type Field, parseField } from "./fields.ts";

/** `name:key=value,key=value`, taken apart and not yet checked. */
export interface Spec {
  readonly name: string;
  readonly values: ReadonlyMap<string, string>;
}

/** One parameter of a named thing. */
interface Parameter<T> {
  readonly field: Field<T>;
  /** Stands in where the key is left out. A parameter that has neither this nor `optional` must be given. */
  readonly otherwise?: T;
  /** The key may be left out; it is then absent from the values. */
  readonly optional?: true;
  /** The option that may give it instead: "--tasks". */
  readonly option?: string;
}

/** The parameters of one named thing, in the order in which they are listed. */
export type Parameters = Readonly<Record<string, Parameter<unknown>>>;

/** What the parameters become. */
export type ParameterValues<P extends Parameters> = {
  readonly [K in keyof P as P[K] extends { readonly optional: true } ? never : K]: ValueOf<P[K]>;
} & {
  readonly [K in keyof P as P[K] extends { readonly optional: true } ? K : never]?: ValueOf<P[K]>;
};
type ValueOf<P> = P extends Parameter<infer T> ? T : never;

/** @throws {InputError} when `text` does not have the form of a spec. `option` is "--code", say. */
export function parseSpec(option: string, text: string): Spec {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const values = new Map<string, string>();
  for (const pair of colon < 0 ? [] : text.slice(colon + 1).split(",")) {
    const [, key, value] = /^([^=]+)=(.+)$/.exec(pair) ?? [];
    if (key === undefined || value === undefined) {
      throw new InputError(`${option} must be name:key=value,key=value, got ${quoted(text)}`);
    }
    if (values.has(key)) {
      throw new InputError(`${option} must give ${key} once, got ${quoted(text)}`);
    }
    values.set(key, value);
  }
  return { name, values };
}

/** The entry that a spec names. @throws {InputError} that lists the names there are. */
export function findNamed<T extends { readonly name: string }>(
  option: string,
  entries: readonly T[],
  name: string,
): T {
  const entry = entries.find((candidate) => candidate.name === name);
  if (entry) return entry;
  const names = entries.map((candidate) => candidate.name).join(", ");
  throw new InputError(`${option} must be one of ${names}, got ${quoted(name)}`);
}

/**
 * Reads a spec's values by its parameters.
 *
 * @throws {InputError} for a key that there is none of, listing those there are; for one that is
 *   missing; and for a value that breaks its rule.
 */
export function parseParameters<P extends Parameters>(
  option: string,
  spec: Spec,
  parameters: P,
): ParameterValues<P> {
  for (const [key, value] of spec.values) {
    if (Object.hasOwn(parameters, key)) continue;
    const keys = Object.keys(parameters).join(", ") || "no keys";
    throw new InputError(`${option} ${spec.name} takes ${keys}, got ${quoted(`${key}=${value}`)}`);
  }
  const values: Record<string, unknown> = {};
  for (const [key, parameter] of Object.entries(parameters)) {
    const text = spec.values.get(key);
    if (text !== undefined) {
      values[key] = parseField(`${option} ${spec.name}: ${key}`, parameter.field, text);
    } else if (parameter.otherwise !== undefined) {
      values[key] = parameter.otherwise;
    } else if (!parameter.optional) {
      const other = parameter.option ? ` (or ${parameter.option})` : "";
      const form = specForm(spec.name, parameters);
      throw new InputError(`${option} ${spec.name} needs ${key}${other}, as in ${form}`);
    }
  }
  return values as ParameterValues<P>;
}

/** "matdot:parts=…,tasks=…[,points=…]": how a spec of these parameters is written. */
export function specForm(name: string, parameters: Parameters): string {
  const required: string[] = [];
  const rest: string[] = [];
  for (const [key, { optional, otherwise }] of Object.entries(parameters)) {
    if (!optional && otherwise === undefined) required.push(`${key}=…`);
    else rest.push(`${key}=${otherwise === undefined ? "…" : String(otherwise)}`);
  }
  if (required.length === 0) return rest.length === 0 ? name : `${name}[:${rest.join(",")}]`;
  const may = rest.length === 0 ? "" : `[,${rest.join(",")}]`;
  return `${name}:${required.join(",")}${may}`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
