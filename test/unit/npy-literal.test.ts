import { describe, expect, test } from "vitest";

import { PythonSyntaxError, parsePythonLiteral } from "../../src/cli/npy-literal.ts";

describe("parsePythonLiteral", () => {
  test("reads a header's dict, whatever its spaces, quotes and trailing commas", () => {
    const spellings = [
      "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n",
      `{"shape":(3,4),"descr":"<f4","fortran_order":False}`,
      " { 'descr' :\n'<f4','fortran_order':False , 'shape':( 3 , 4 , ),}",
    ];
    for (const text of spellings) {
      const dict = parsePythonLiteral(text);
      expect(dict.kind).toBe("dict");
      const entries = dict.kind === "dict" ? dict.entries : [];
      const read = Object.fromEntries(
        entries.map(([key, value]) => [
          key.kind === "string" ? key.value : "?",
          value.kind === "tuple" ? value.items.map((i) => "value" in i && i.value) : value,
        ]),
      );
      expect(read).toMatchObject({
        descr: { kind: "string", value: "<f4" },
        fortran_order: { kind: "boolean", value: false },
        shape: [3, 4],
      });
    }
  });

  test("tells (3) from (3,) and ()", () => {
    expect(parsePythonLiteral("(3)")).toEqual({ kind: "integer", at: 1, value: 3 });
    expect(parsePythonLiteral("(3,)")).toMatchObject({ kind: "tuple", items: [{ value: 3 }] });
    expect(parsePythonLiteral("()")).toMatchObject({ kind: "tuple", items: [] });
  });

  test("reads None, lists, negative and Python 2 long integers", () => {
    expect(parsePythonLiteral("[None, -2, 3L, [True]]")).toMatchObject({
      kind: "list",
      items: [
        { kind: "None" },
        { kind: "integer", value: -2 },
        { kind: "integer", value: 3 },
        { kind: "list", items: [{ kind: "boolean", value: true }] },
      ],
    });
  });

  test.each([
    ["", 0],
    ["{'a' 1}", 5],
    ["{'a': 1 'b': 2}", 8],
    ["{'a': 1", 7],
    ["{,}", 1],
    ["(1 2)", 3],
    ["'abc", 4],
    ["'a\\x41'", 2],
    ["1.5", 0],
    ["True1", 0],
    ["true", 0],
    ["__import__('os')", 0],
    ["{} {}", 3],
    ["[1, 2][0]", 6],
    ["1 + 1", 2],
  ])("refuses %j at offset %i", (text, at) => {
    expect(() => parsePythonLiteral(text)).toThrow(PythonSyntaxError);
    expect(() => parsePythonLiteral(text)).toThrow(expect.objectContaining({ at }));
  });

  test("refuses brackets nested too deep instead of exhausting the stack", () => {
    expect(() => parsePythonLiteral("(".repeat(100_000))).toThrow(PythonSyntaxError);
  });
});
