import { endianness } from "node:os";

import { npyError } from "./npy-error.ts";
import { type PythonLiteral, PythonSyntaxError, parsePythonLiteral } from "./npy-literal.ts";

/** The element types that are read. Every one of them becomes float32. */
export type NpyDtype = "float32" | "float64" | "int32" | "uint8";

/** What the header of a .npy file says, checked. */
export interface NpyHeader {
  readonly dtype: NpyDtype;
  /** True when the elements are in the other byte order than this machine's. */
  readonly swapped: boolean;
  /** True when columns, not rows, are contiguous. */
  readonly fortranOrder: boolean;
  readonly rows: number;
  readonly cols: number;
  /** Where the elements begin. */
  readonly dataOffset: number;
}

/** Bytes of one element. */
export const DTYPE_BYTES: Readonly<Record<NpyDtype, number>> = {
  float32: 4,
  float64: 8,
  int32: 4,
  uint8: 1,
};

/** As many leading bytes as `npyHeaderEnd` wants to see: magic, version, longest length field. */
export const PREAMBLE_BYTES = 12;

const MAGIC = "\x93NUMPY";
const DTYPES: Readonly<Record<string, NpyDtype>> = {
  f4: "float32",
  f8: "float64",
  i4: "int32",
  u1: "uint8",
};
const SUPPORTED = "float32, float64, int32 or uint8 ('<f4', '<f8', '<i4', '|u1')";
/** NumPy itself distrusts headers above 10 kB; only long lists of fields need more. */
const MAX_HEADER_BYTES = 2 ** 20;

/**
 * Where the header ends and the elements begin, from the first `PREAMBLE_BYTES` bytes (fewer if the
 * file is shorter). `file` is the name for messages.
 *
 * @throws {InputError} when this is no .npy file of version 1.0, 2.0 or 3.0.
 */
export function npyHeaderEnd(file: string, preamble: Uint8Array): number {
  const magic = latin1(preamble.subarray(0, MAGIC.length));
  if (magic !== MAGIC) {
    const found = magic.startsWith("PK")
      ? "a zip archive (an .npz file? save one array with numpy.save)"
      : magic === ""
        ? "an empty file"
        : printable(magic);
    throw npyError(file, { at: 0, expected: `the npy magic ${printable(MAGIC)}`, found });
  }
  const [major, minor] = preamble.subarray(MAGIC.length, MAGIC.length + 2);
  const lengthBytes = major === 1 ? 2 : 4;
  const headerStart = MAGIC.length + 2 + lengthBytes;
  const known = major !== undefined && major >= 1 && major <= 3 && minor === 0;
  if (minor !== undefined && !known) {
    const expected = "npy format version 1.0, 2.0 or 3.0";
    throw npyError(file, { at: MAGIC.length, expected, found: `${major}.${minor}` });
  }
  if (preamble.length < headerStart) {
    const expected = "version and length of the header";
    throw npyError(file, { at: preamble.length, expected, found: "the end of the file" });
  }
  const view = new DataView(preamble.buffer, preamble.byteOffset, preamble.byteLength);
  const at = MAGIC.length + 2;
  const headerBytes = lengthBytes === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
  if (headerBytes > MAX_HEADER_BYTES) {
    const expected = `a header of at most ${MAX_HEADER_BYTES} bytes`;
    throw npyError(file, { at, expected, found: `${headerBytes} bytes` });
  }
  return headerStart + headerBytes;
}

/**
 * Reads a whole header: `bytes` are the first `npyHeaderEnd` bytes of the file.
 *
 * @throws {InputError} when it is no header, or one of something else than a matrix of a supported
 *   type that has at least one element.
 */
export function parseNpyHeader(file: string, bytes: Uint8Array): NpyHeader {
  const headerStart = bytes[MAGIC.length] === 1 ? 10 : 12;
  // Version 3 headers are UTF-8, but only names of fields need that. Read as latin1, an offset in
  // the text is an offset in the file.
  const fields = parseFields(file, latin1(bytes.subarray(headerStart)), headerStart);
  const { descr, fortran_order: order, shape } = fields;

  const type = descr.kind === "string" ? /^([<>|=]?)([a-z]\d+)$/i.exec(descr.value) : null;
  const dtype = type && DTYPES[type[2]!];
  if (!dtype) throw misfit(file, headerStart, descr, `dtype ${SUPPORTED}`);
  if (order.kind !== "boolean") throw misfit(file, headerStart, order, "True or False");
  const dims = shape.kind === "tuple" ? shape.items.map(dimension) : undefined;
  if (!dims?.every((dim) => dim !== undefined)) {
    throw misfit(file, headerStart, shape, "a tuple of sizes as shape");
  }
  const [rows, cols] = dims;
  if (dims.length !== 2 || rows === undefined || cols === undefined) {
    const vector = dims.length === 1 ? `, e.g. as x.reshape(${rows}, 1)` : "";
    const expected = `a matrix (reshape the array to two dimensions${vector})`;
    throw misfit(file, headerStart, shape, expected);
  }
  if (rows === 0 || cols === 0) {
    throw misfit(file, headerStart, shape, "a matrix with at least one element");
  }
  const foreign = endianness() === "LE" ? ">" : "<";
  const swapped = type[1] === foreign && DTYPE_BYTES[dtype] > 1;
  return { dtype, swapped, fortranOrder: order.value, rows, cols, dataOffset: bytes.length };
}

/** Checks the size of a whole file against its header. @throws {InputError} when they differ. */
export function checkNpySize(file: string, header: NpyHeader, fileBytes: number): void {
  const { rows, cols, dtype, dataOffset } = header;
  const needed = rows * cols * DTYPE_BYTES[dtype];
  const found = fileBytes - dataOffset;
  if (found === needed) return;
  const at = Math.min(fileBytes, dataOffset + needed);
  throw npyError(file, {
    at,
    expected: found < needed ? `${needed} bytes of ${dtype} for ${rows}×${cols}` : "the end",
    found: found < needed ? `the end after ${found}` : `${found - needed} more bytes`,
  });
}

/** The version 1.0 header of a row-major little-endian matrix, byte for byte as numpy.save writes it. */
export function encodeNpyHeader(header: {
  readonly dtype: "float32" | "float64";
  readonly rows: number;
  readonly cols: number;
}): Uint8Array {
  const { dtype, rows, cols } = header;
  const descr = dtype === "float32" ? "<f4" : "<f8";
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${rows}, ${cols}), }`;
  const unpadded = MAGIC.length + 4 + dict.length + 1;
  const padded = Math.ceil(unpadded / 64) * 64; // lets the elements be mapped into memory, aligned
  const bytes = Buffer.alloc(padded, " ");
  bytes.write(`${MAGIC}\x01\x00`, "latin1");
  bytes.writeUInt16LE(padded - MAGIC.length - 4, MAGIC.length + 2);
  bytes.write(dict, MAGIC.length + 4, "latin1");
  bytes.write("\n", padded - 1, "latin1");
  return bytes;
}

const KEYS = ["descr", "fortran_order", "shape"] as const;
type Fields = Readonly<Record<(typeof KEYS)[number], PythonLiteral>>;

/** The header's dict: exactly the three keys, each once. */
function parseFields(file: string, text: string, headerStart: number): Fields {
  const dict = parseLiteral(file, text, headerStart);
  if (dict.kind !== "dict") throw misfit(file, headerStart, dict, "a Python dict literal");
  const fields: Partial<Record<string, PythonLiteral>> = {};
  for (const [key, value] of dict.entries) {
    const name = key.kind === "string" ? key.value : "";
    if (!KEYS.some((known) => known === name) || fields[name]) {
      throw misfit(file, headerStart, key, `the keys ${KEYS.join(", ")}, each once`);
    }
    fields[name] = value;
  }
  const missing = KEYS.find((name) => !fields[name]);
  if (missing) throw misfit(file, headerStart, dict, `a key '${missing}'`);
  return fields as Fields;
}

function parseLiteral(file: string, text: string, headerStart: number): PythonLiteral {
  try {
    return parsePythonLiteral(text);
  } catch (error) {
    if (!(error instanceof PythonSyntaxError)) throw error;
    const expected = `a Python dict literal: ${error.expected}`;
    throw npyError(file, { at: headerStart + error.at, expected, found: error.found });
  }
}

/** A size, or undefined when the literal is none. */
function dimension(literal: PythonLiteral): number | undefined {
  if (literal.kind !== "integer") return undefined;
  return Number.isSafeInteger(literal.value) && literal.value >= 0 ? literal.value : undefined;
}

function misfit(file: string, headerStart: number, found: PythonLiteral, expected: string): Error {
  return npyError(file, { at: headerStart + found.at, expected, found: show(found) });
}

/** A literal as Python would print it, cut where it is long. */
function show(literal: PythonLiteral): string {
  switch (literal.kind) {
    case "string":
      return printable(literal.value, "'");
    case "integer":
      return String(literal.value);
    case "boolean":
      return literal.value ? "True" : "False";
    case "None":
      return "None";
    case "dict": {
      const keys = literal.entries.map(([key]) => show(key));
      return `{${keys.slice(0, 5).join(", ")}${keys.length > 5 ? ", …" : ""}}`;
    }
    default: {
      const items = literal.items.slice(0, 5).map(show);
      if (literal.items.length > 5) items.push("…");
      const body = items.join(", ");
      if (literal.kind === "list") return `[${body}]`;
      return literal.items.length === 1 ? `(${body},)` : `(${body})`;
    }
  }
}

/** Quoted, control characters and everything beyond ASCII escaped, at most 32 characters. */
function printable(text: string, quote = '"'): string {
  const short = text.length > 32 ? `${text.slice(0, 32)}…` : text;
  const escaped = short.replace(/[^\x20-\x7e…]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `${quote}${escaped}${quote}`;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}
