import { z } from "zod";

import { InputError, type Points } from "../index.ts";
import { DURATION_RULE, parseDuration } from "./duration.ts";

/** A value as it stands on the command line, and what it becomes. */
export type Field<T> = z.ZodType<T, string>;

/** A field by its rule ("a whole number") and a parser that gives undefined where the rule is broken. */
function field<T>(rule: string, parse: (text: string) => T | undefined): Field<T> {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.issues.push({ code: "custom", message: `must be ${rule}`, input: text });
    return z.NEVER;
  });
}

/** A whole number, 1 or more. */
export const count: Field<number> = field("a whole number of at least 1", (text) =>
  wholeNumber(text, 1),
);

/** A whole number, 0 or more. */
export const seed: Field<number> = field("a whole number of at least 0", (text) =>
  wholeNumber(text, 0),
);

/** A number above 0. */
export const positive: Field<number> = field("a number above 0", (text) => {
  const value = decimal(text);
  return value !== undefined && value > 0 ? value : undefined;
});

/** A number from 0 to 1. */
export const probability: Field<number> = field("a number from 0 to 1", (text) => {
  const value = decimal(text);
  return value !== undefined && value >= 0 && value <= 1 ? value : undefined;
});

/** A time in ms, 0 or more. */
export const duration: Field<number> = field(DURATION_RULE, parseDuration);

/** A time in ms, more than 0. */
export const positiveDuration: Field<number> = field(`${DURATION_RULE}, above 0`, (text) => {
  const ms = parseDuration(text);
  return ms !== undefined && ms > 0 ? ms : undefined;
});

/** Evaluation points of a code: a set by name, or numbers joined by "+". */
export const points: Field<Points> = field(
  "integers, equispaced, chebyshev, unit-circle or numbers joined by + (0.5+1+2)",
  (text) => {
    if (
      text === "integers" ||
      text === "equispaced" ||
      text === "chebyshev" ||
      text === "unit-circle"
    ) {
      return text;
    }
    const numbers = text.split("+").map(decimal);
    return numbers.every((value) => value !== undefined) ? numbers : undefined;
  },
);

/** Numbers of workers, counted from 0: "4-5", "0+3", "0-2+5". In ascending order, each once. */
export const workerNumbers: Field<readonly number[]> = field(
  "numbers of workers, such as 4-5 or 0+3",
  (text) => {
    const numbers = new Set<number>();
    for (const part of text.split("+")) {
      const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
      if (!match) return undefined;
      const first = Number(match[1]);
      const last = Number(match[2] ?? match[1]);
      if (last < first) return undefined;
      for (let number = first; number <= last; number++) numbers.add(number);
    }
    return [...numbers].sort((x, y) => x - y);
  },
);

/** One of a few words. */
export function oneOf<const Words extends readonly string[]>(words: Words): Field<Words[number]> {
  const rule = `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  return field(rule, (text) => words.find((word) => word === text));
}

/**
 * `text` as `schema` reads it. `name` is the argument, as the user wrote it: "--tasks".
 *
 * @throws {InputError} with argument, rule and value.
 */
export function parseField<T>(name: string, schema: Field<T>, text: string): T {
  const result = schema.safeParse(text);
  if (result.success) return result.data;
  throw new InputError(`${name} ${result.error.issues[0]?.message}, got ${JSON.stringify(text)}`);
}

function wholeNumber(text: string, least: number): number | undefined {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) && value >= least ? value : undefined;
}

function decimal(text: string): number | undefined {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}
