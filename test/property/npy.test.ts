import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { readNpy } from "../../src/cli/npy-read.ts";
import { encodeNpy } from "../../src/cli/npy-write.ts";
import { InputError, type Matrix } from "../../src/index.ts";
import { type ElementType, elementBytes, memorySource, npyBytes } from "../support/npy-bytes.ts";

const MAX_FLOAT32 = 3.4028234663852886e38;
const nonFinite = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
const values: Record<ElementType, fc.Arbitrary<number>> = {
  f4: fc.oneof(fc.float(), nonFinite),
  f8: fc.oneof(fc.double({ min: -MAX_FLOAT32, max: MAX_FLOAT32, noNaN: true }), nonFinite),
  i4: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  u1: fc.integer({ min: 0, max: 255 }),
};

/** A file of any supported kind, and its elements as row-major float32. */
const file = fc
  .record({
    type: fc.constantFrom<ElementType>("f4", "f8", "i4", "u1"),
    littleEndian: fc.boolean(),
    fortranOrder: fc.boolean(),
    version: fc.constantFrom([1, 0], [2, 0], [3, 0]),
    rows: fc.integer({ min: 1, max: 7 }),
    cols: fc.integer({ min: 1, max: 7 }),
  })
  .chain((kind) =>
    fc.record({
      kind: fc.constant(kind),
      elements: fc.array(values[kind.type], {
        minLength: kind.rows * kind.cols,
        maxLength: kind.rows * kind.cols,
      }),
    }),
  )
  .map(({ kind, elements }) => {
    const { type, littleEndian, fortranOrder, version, rows, cols } = kind;
    const inFile = fortranOrder
      ? elements.map((_, i) => elements[(i % rows) * cols + Math.floor(i / rows)]!)
      : elements;
    const bytes = npyBytes({
      version: version as [number, number],
      descr: `${littleEndian ? "<" : ">"}${type}`,
      fortranOrder,
      shape: [rows, cols],
      data: elementBytes(type, inFile, littleEndian),
    });
    return { rows, cols, elements, bytes };
  });

describe("readNpy", () => {
  test("gives the elements of every dtype, order and shape, however little one read returns", () =>
    fc.assert(
      fc.asyncProperty(file, fc.integer({ min: 1, max: 64 }), async (npy, mostBytes) => {
        const { matrix } = await readNpy("A.npy", memorySource(npy.bytes, mostBytes));
        expect([matrix.rows, matrix.cols, matrix.rowStride]).toEqual([
          npy.rows,
          npy.cols,
          npy.cols,
        ]);
        expect([...matrix.data]).toEqual(npy.elements.map(Math.fround));
      }),
    ));

  test("refuses every proper prefix of a file, and every continuation", () =>
    fc.assert(
      fc.asyncProperty(file, fc.uint8Array({ minLength: 1, maxLength: 8 }), async (npy, more) => {
        for (let length = 0; length < npy.bytes.length; length++) {
          await expectInputError(npy.bytes.subarray(0, length));
        }
        await expectInputError(Buffer.concat([npy.bytes, more]));
      }),
      { numRuns: 30 },
    ));

  test("meets damage with a matrix or an InputError of one line, never with anything else", () =>
    fc.assert(
      fc.asyncProperty(
        file,
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        async (npy, damage) => {
          const bytes = Uint8Array.from(npy.bytes);
          for (const [at, value] of damage) bytes[at % bytes.length] = value;
          await readNpy("A.npy", memorySource(bytes)).catch(requireInputError);
        },
      ),
      { numRuns: 500 },
    ));
});

describe("encodeNpy", () => {
  test("writes any view of a matrix so that readNpy gives it back", () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 3 }),
        fc.constantFrom("float32" as const, "float64" as const),
        fc.infiniteStream(fc.float()),
        async (rows, cols, gap, dtype, stream) => {
          const rowStride = cols + gap;
          const data = Float32Array.from({ length: (rows - 1) * rowStride + cols }, () => {
            return stream.next().value ?? 0;
          });
          const view: Matrix = { rows, cols, rowStride, data };
          // Pieces are overwritten, so each is copied as it comes.
          const bytes = Buffer.concat([...mapPieces(encodeNpy(view, dtype))]);
          const read = await readNpy("C.npy", memorySource(bytes));
          expect(read.dtype).toBe(dtype);
          for (let row = 0; row < rows; row++) {
            const start = row * rowStride;
            expect([...read.matrix.data.subarray(row * cols, (row + 1) * cols)]).toEqual([
              ...data.subarray(start, start + cols),
            ]);
          }
        },
      ),
    ));
});

function* mapPieces(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  for (const piece of pieces) yield Uint8Array.from(piece);
}

async function expectInputError(bytes: Uint8Array): Promise<void> {
  const outcome = await readNpy("A.npy", memorySource(bytes)).then(
    () => "a matrix",
    (error: unknown) => error,
  );
  requireInputError(outcome);
}

function requireInputError(error: unknown): void {
  expect(error).toBeInstanceOf(InputError);
  expect((error as Error).message).toMatch(/^A\.npy: [^\n]+$/);
}
