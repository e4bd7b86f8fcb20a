import { describe, expect, test } from "vitest";

import { encodeNpyHeader, npyHeaderEnd, parseNpyHeader } from "../../src/cli/npy-header.ts";
import { InputError } from "../../src/index.ts";
import { type NpyParts, npyBytes } from "../support/npy-bytes.ts";

/** Length of magic, version and length field in version 1.0. */
const TEXT_START = 10;

function headerOf(parts: NpyParts) {
  const bytes = npyBytes({ ...parts, data: new Uint8Array() });
  expect(npyHeaderEnd("A.npy", bytes.subarray(0, 12))).toBe(bytes.length);
  return parseNpyHeader("A.npy", bytes);
}

function messageOf(parts: NpyParts): string {
  try {
    headerOf(parts);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    return (error as Error).message;
  }
  throw new Error("expected an InputError");
}

describe("npyHeaderEnd", () => {
  test.each([
    ["an empty file", new Uint8Array(), 'expected the npy magic "\\x93NUMPY", found an empty file'],
    ["text", Buffer.from("a,b,c\n1,2,3"), 'found "a,b,c\\x0a"'],
    ["an archive", Buffer.from("PK\x03\x04\x00\x00"), "a zip archive (an .npz file?"],
    ["a cut magic", Buffer.from("\x93NUM", "latin1"), 'found "\\x93NUM"'],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => npyHeaderEnd("A.npy", bytes)).toThrow(InputError);
    expect(() => npyHeaderEnd("A.npy", bytes)).toThrow("A.npy: byte 0: ");
    expect(() => npyHeaderEnd("A.npy", bytes)).toThrow(message);
  });

  test("refuses versions it does not know, naming them", () => {
    for (const version of [
      [0, 9],
      [1, 1],
      [4, 0],
    ] as const) {
      expect(() => npyHeaderEnd("A.npy", npyBytes({ version }).subarray(0, 12))).toThrow(
        `A.npy: byte 6: expected npy format version 1.0, 2.0 or 3.0, found ${version.join(".")}`,
      );
    }
  });

  test("refuses a header of absurd length before anything is allocated for it", () => {
    const bytes = Buffer.from("\x93NUMPY\x02\x00\xff\xff\xff\xff", "latin1");
    expect(() => npyHeaderEnd("A.npy", bytes)).toThrow(
      "A.npy: byte 8: expected a header of at most 1048576 bytes, found 4294967295 bytes",
    );
  });
});

describe("parseNpyHeader", () => {
  test.each([
    ["<f4", "float32"],
    ["=f4", "float32"],
    ["f4", "float32"],
    ["|u1", "uint8"],
    [">u1", "uint8"],
    ["<f8", "float64"],
    ["<i4", "int32"],
  ])("reads dtype %s as %s", (descr, dtype) => {
    for (const version of [
      [1, 0],
      [2, 0],
      [3, 0],
    ] as const) {
      expect(headerOf({ descr, version, shape: [3, 4], fortranOrder: true })).toMatchObject({
        dtype,
        rows: 3,
        cols: 4,
        fortranOrder: true,
      });
    }
  });

  test("marks elements of exactly one of the two byte orders as swapped", () => {
    for (const type of ["f4", "f8", "i4"]) {
      expect(headerOf({ descr: `<${type}` }).swapped).not.toBe(
        headerOf({ descr: `>${type}` }).swapped,
      );
      expect(headerOf({ descr: `=${type}` }).swapped).toBe(false);
    }
    expect(headerOf({ descr: ">u1" }).swapped).toBe(false);
  });

  test.each<[string, NpyParts, string]>([
    ["half precision", { descr: "<f2" }, "found '<f2'"],
    ["complex numbers", { descr: "<c8" }, "expected dtype float32, float64, int32 or uint8"],
    ["objects", { descr: "|O" }, "found '|O'"],
    ["booleans", { descr: "|b1" }, "found '|b1'"],
    [
      "records",
      { header: "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1, 1)}" },
      "found [('x', '<f4')]",
    ],
    [
      "a vector",
      { shape: [5] },
      "expected a matrix (reshape the array to two dimensions, e.g. as x.reshape(5, 1)), found (5,)",
    ],
    [
      "a scalar",
      { shape: [] },
      "expected a matrix (reshape the array to two dimensions), found ()",
    ],
    ["three dimensions", { shape: [2, 3, 4] }, "found (2, 3, 4)"],
    ["no rows", { shape: [0, 3] }, "expected a matrix with at least one element, found (0, 3)"],
    ["no columns", { shape: [3, 0] }, "found (3, 0)"],
    ["a negative size", { shape: [-1, 3] }, "expected a tuple of sizes as shape, found (-1, 3)"],
    [
      "a shape that is no tuple",
      { header: "{'descr': '<f4', 'fortran_order': False, 'shape': 3}" },
      "expected a tuple of sizes as shape, found 3",
    ],
    [
      "an order that is no boolean",
      { header: "{'descr': '<f4', 'fortran_order': 0, 'shape': (1, 1)}" },
      "byte 44: expected True or False, found 0",
    ],
    [
      "a missing key",
      { header: "{'descr': '<f4', 'shape': (1, 1)}" },
      "expected a key 'fortran_order', found {'descr', 'shape'}",
    ],
    [
      "a key too many",
      { header: "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), 'x': 1}" },
      "expected the keys descr, fortran_order, shape, each once, found 'x'",
    ],
    [
      "a key given twice",
      { header: "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)}" },
      "each once, found 'descr'",
    ],
    [
      "something else than a dict",
      { header: "(1, 2)" },
      "expected a Python dict literal, found (1, 2)",
    ],
    [
      "no literal",
      { header: "os.system('x')" },
      "byte 10: expected a Python dict literal: a Python literal, found \"os.system('x')\"",
    ],
    [
      "an empty header",
      { header: "" },
      "byte 10: expected a Python dict literal: a Python literal, found the end of the header",
    ],
  ])("refuses %s in one line that says where", (_, parts, message) => {
    const found = messageOf(parts);
    expect(found).toContain(message);
    expect(found).toMatch(/^A\.npy: byte \d+: expected [^\n]+, found [^\n]+$/);
  });

  test("counts bytes, not characters, up to what is wrong", () => {
    const header = "{'descr': 'é', 'fortran_order': False, 'shape': (1, 1)}";
    const at = TEXT_START + header.indexOf("'é'");
    expect(messageOf({ header })).toContain(`byte ${at}: `);
  });
});

describe("encodeNpyHeader", () => {
  test("is padded with spaces to a multiple of 64 bytes and ends with a line break", () => {
    for (const [rows, cols] of [
      [1, 1],
      [123_456_789, 987_654_321],
    ] as const) {
      const bytes = encodeNpyHeader({ dtype: "float64", rows, cols });
      expect(bytes.length % 64).toBe(0);
      expect(bytes.at(-1)).toBe(0x0a);
      expect(parseNpyHeader("C.npy", bytes)).toMatchObject({
        dtype: "float64",
        rows,
        cols,
        fortranOrder: false,
        dataOffset: bytes.length,
      });
    }
  });

  test("writes what numpy.save writes", () => {
    const bytes = encodeNpyHeader({ dtype: "float32", rows: 3, cols: 4 });
    const dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }";
    expect(Buffer.from(bytes).toString("latin1")).toBe(
      `\x93NUMPY\x01\x00\x76\x00${dict}${" ".repeat(117 - dict.length)}\n`,
    );
  });
});
