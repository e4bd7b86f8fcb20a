import type { z } from "zod";
import { InputError } from "./errors.ts";

/**
 * Checks an options object from outside and returns it unchanged.
 *
 * @throws {InputError} that names the option, the rule (the schema's message) and the value.
 */
export function requireOptions<T extends object>(schema: z.ZodType, options: T): T {
  const checked = schema.safeParse(options);
  if (checked.success) return options;
  const issue = checked.error.issues[0]!;
  const path = issue.path.join(".") || "options";
  if (issue.code === "unrecognized_keys") {
    throw new InputError(`${path} must not hold "${issue.keys.join('", "')}": no such option`);
  }
  if (issue.path.length === 0 && issue.code === "invalid_type") {
    throw new InputError(`options must be an object, got ${shown(options)}`);
  }
  let value: unknown = options;
  for (const key of issue.path) value = (value as Record<PropertyKey, unknown>)?.[key];
  throw new InputError(`${path} ${issue.message}, got ${shown(value)}`);
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === "function" ? "a function" : String(value);
}
