import type { ByteSource } from "../../src/cli/npy-read.ts";

/** What a .npy file is made of; every part may be wrong on purpose. */
export interface NpyParts {
  readonly magic?: string;
  readonly version?: readonly [major: number, minor: number];
  /** The header's text; default: the dict of the three fields below. */
  readonly header?: string;
  readonly descr?: string;
  readonly fortranOrder?: boolean;
  readonly shape?: readonly number[];
  readonly data?: Uint8Array;
}

/** Puts a .npy file together. Header and data need not fit each other. */
export function npyBytes(parts: NpyParts): Uint8Array {
  const { magic = "\x93NUMPY", version = [1, 0], descr = "<f4", shape = [1, 1] } = parts;
  const order = parts.fortranOrder ? "True" : "False";
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': (${sizes}), }\n`;
  const header = Buffer.from(parts.header ?? dict, "latin1");
  const length = Buffer.alloc(version[0] === 1 ? 2 : 4);
  length.writeUIntLE(header.length, 0, length.length);
  const data = parts.data ?? new Uint8Array(4 * shape.reduce((product, size) => product * size, 1));
  return Buffer.concat([
    Buffer.from(magic, "latin1"),
    Uint8Array.from(version),
    length,
    header,
    data,
  ]);
}

const WRITERS = {
  f4: { bytes: 4, write: (view, at, value, le) => view.setFloat32(at, value, le) },
  f8: { bytes: 8, write: (view, at, value, le) => view.setFloat64(at, value, le) },
  i4: { bytes: 4, write: (view, at, value, le) => view.setInt32(at, value, le) },
  u1: { bytes: 1, write: (view, at, value) => view.setUint8(at, value) },
} as const satisfies Record<
  string,
  { bytes: number; write: (view: DataView, at: number, value: number, le: boolean) => void }
>;

/** The element types that `elementBytes` knows. */
export type ElementType = keyof typeof WRITERS;

/** Numbers as the bytes of a dtype. */
export function elementBytes(
  type: ElementType,
  values: readonly number[],
  littleEndian = true,
): Uint8Array {
  const { bytes, write } = WRITERS[type];
  const view = new DataView(new ArrayBuffer(values.length * bytes));
  for (const [i, value] of values.entries()) write(view, i * bytes, value, littleEndian);
  return new Uint8Array(view.buffer);
}

/** Memory as a file. One read gives `mostBytes` at most, as a real file may. */
export function memorySource(
  bytes: Uint8Array,
  mostBytes: number = Number.POSITIVE_INFINITY,
): ByteSource {
  return {
    sizeBytes: bytes.length,
    async read(target, position) {
      const part = bytes.subarray(position, position + Math.min(target.length, mostBytes));
      target.set(part);
      return part.length;
    },
  };
}
