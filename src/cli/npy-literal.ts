/** A Python literal, and the offset at which it begins. */
export type PythonLiteral =
  | { readonly kind: "string"; readonly at: number; readonly value: string }
  | { readonly kind: "integer"; readonly at: number; readonly value: number }
  | { readonly kind: "boolean"; readonly at: number; readonly value: boolean }
  | { readonly kind: "None"; readonly at: number }
  | { readonly kind: "tuple" | "list"; readonly at: number; readonly items: PythonLiteral[] }
  | {
      readonly kind: "dict";
      readonly at: number;
      readonly entries: (readonly [key: PythonLiteral, value: PythonLiteral])[];
    };

/** Text that is no Python literal of the kinds that .npy headers are made of. */
export class PythonSyntaxError extends Error {
  readonly at: number;
  readonly expected: string;
  readonly found: string;

  constructor(at: number, expected: string, found: string) {
    super(`at ${at}: expected ${expected}, found ${found}`);
    this.at = at;
    this.expected = expected;
    this.found = found;
  }
}

/** Real headers nest three deep; far more would only be an attempt to exhaust the stack. */
const MAX_DEPTH = 32;

/**
 * Reads one Python literal, with white space around it and nothing else: dicts, tuples, lists,
 * integers, True, False, None, and strings without escapes. Nothing is evaluated.
 *
 * @throws {PythonSyntaxError} naming the offset.
 */
export function parsePythonLiteral(text: string): PythonLiteral {
  let at = 0;

  function fail(expected: string, where: number = at): never {
    throw new PythonSyntaxError(where, expected, excerpt(text, where));
  }

  function skipSpace(): void {
    while (at < text.length && " \t\r\n".includes(text[at]!)) at++;
  }

  function take(token: string): boolean {
    skipSpace();
    if (!text.startsWith(token, at)) return false;
    at += token.length;
    return true;
  }

  function parseString(start: number): PythonLiteral {
    const quote = text[start]!;
    const end = text.indexOf(quote, start + 1);
    if (end < 0) fail(`a closing ${quote}`, text.length);
    const value = text.slice(start + 1, end);
    const unusual = value.search(/[\\\r\n]/);
    if (unusual >= 0) fail("a string without escapes", start + 1 + unusual);
    at = end + 1;
    return { kind: "string", at: start, value };
  }

  /** Comma-separated items up to `close`; `commas` tells (3) from (3,). */
  function parseItems<Item>(
    close: string,
    parseItem: () => Item,
  ): { items: Item[]; commas: number } {
    const items: Item[] = [];
    let commas = 0;
    while (!take(close)) {
      if (items.length > commas) fail(`, or ${close}`);
      items.push(parseItem());
      if (take(",")) commas++;
    }
    return { items, commas };
  }

  function parseValue(depth: number): PythonLiteral {
    skipSpace();
    const start = at;
    if (depth > MAX_DEPTH) fail(`at most ${MAX_DEPTH} levels of brackets`);
    const nested = () => parseValue(depth + 1);
    if (take("{")) {
      const { items: entries } = parseItems("}", () => {
        const key = nested();
        if (!take(":")) fail(":");
        return [key, nested()] as const;
      });
      return { kind: "dict", at: start, entries };
    }
    if (take("[")) return { kind: "list", at: start, items: parseItems("]", nested).items };
    if (take("(")) {
      const { items, commas } = parseItems(")", nested);
      // (3) is 3 in brackets; (3,) is a tuple.
      return items.length === 1 && commas === 0 ? items[0]! : { kind: "tuple", at: start, items };
    }
    if (text[start] === "'" || text[start] === '"') return parseString(start);

    const word = /^(?:-?\d+L?|[A-Za-z]+)(?![\w.])/.exec(text.slice(start, start + 64))?.[0];
    if (word === undefined) return fail("a Python literal");
    at += word.length;
    if (word === "True" || word === "False") {
      return { kind: "boolean", at: start, value: word === "True" };
    }
    if (word === "None") return { kind: "None", at: start };
    // Python 2 wrote long integers as 3L.
    if (/^-?\d/.test(word)) return { kind: "integer", at: start, value: Number.parseInt(word, 10) };
    return fail("a Python literal", start);
  }

  const literal = parseValue(0);
  skipSpace();
  if (at < text.length) fail("nothing but spaces after the dict");
  return literal;
}

function excerpt(text: string, at: number): string {
  return at < text.length ? JSON.stringify(text.slice(at, at + 16)) : "the end of the header";
}
