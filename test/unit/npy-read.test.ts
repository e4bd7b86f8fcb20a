import { describe, expect, test } from "vitest";

import { readNpy } from "../../src/cli/npy-read.ts";
import { InputError } from "../../src/index.ts";
import { elementBytes, memorySource, npyBytes } from "../support/npy-bytes.ts";

function read(bytes: Uint8Array, options: Parameters<typeof readNpy>[2] = {}) {
  return readNpy("A.npy", memorySource(bytes), options);
}

describe("readNpy", () => {
  test("puts columns that are contiguous in the file where rows are", async () => {
    const data = elementBytes("f4", [1, 4, 2, 5, 3, 6]);
    const { matrix } = await read(npyBytes({ shape: [2, 3], fortranOrder: true, data }));
    expect(matrix).toEqual({
      rows: 2,
      cols: 3,
      rowStride: 3,
      data: Float32Array.of(1, 2, 3, 4, 5, 6),
    });
  });

  test.each([false, true])(
    "joins chunks without a seam (columns first: %s)",
    async (fortranOrder) => {
      const [rows, cols] = [701, 523]; // 1.4 MiB: no chunk ends where a row or column does
      const values = Array.from({ length: rows * cols }, (_, i) => i);
      const data = elementBytes("i4", values);
      const { matrix, notes } = await read(
        npyBytes({ descr: "<i4", shape: [rows, cols], fortranOrder, data }),
      );
      const expected = Float32Array.from(values, (_, at) => {
        const [row, col] = [Math.floor(at / cols), at % cols];
        return fortranOrder ? col * rows + row : at;
      });
      expect(Buffer.compare(Buffer.from(matrix.data.buffer), Buffer.from(expected.buffer))).toBe(0);
      expect(notes).toEqual({ rounded: 0, largestRelativeChange: 0, firstNonFinite: undefined });
    },
  );

  test("counts what float32 rounds, and the largest relative change", async () => {
    const values = [0.5, 0.1, 1 + 2 ** -24, 1e-50];
    const data = elementBytes("f8", values);
    const { matrix, notes } = await read(npyBytes({ descr: "<f8", shape: [2, 2], data }));
    expect([...matrix.data]).toEqual(values.map(Math.fround));
    expect(notes.rounded).toBe(3);
    expect(notes.largestRelativeChange).toBe(1); // 1e-50 becomes 0
  });

  test("rounds integers beyond 2^24, and says so", async () => {
    const data = elementBytes("i4", [2 ** 24, 2 ** 24 + 1]);
    const { notes } = await read(npyBytes({ descr: "<i4", shape: [1, 2], data }));
    expect(notes.rounded).toBe(1);
    expect(notes.largestRelativeChange).toBe(1 / (2 ** 24 + 1));
  });

  test("refuses a finite value beyond float32, naming the element", async () => {
    const data = elementBytes("f8", [0, 0, 0, 0, 0, -4e38]);
    await expect(read(npyBytes({ descr: "<f8", shape: [2, 3], data }))).rejects.toThrow(
      "A.npy: row 1, column 2: expected a value that float32 can hold (up to 3.4028235e38), found -4e+38",
    );
    const columns = npyBytes({ descr: "<f8", shape: [2, 3], fortranOrder: true, data });
    await expect(read(columns)).rejects.toThrow("row 1, column 2");
  });

  test("keeps NaN and infinities, and tells of the first", async () => {
    const data = elementBytes("f8", [1, Number.NEGATIVE_INFINITY, Number.NaN, 2]);
    const { matrix, notes } = await read(npyBytes({ descr: "<f8", shape: [2, 2], data }));
    expect([...matrix.data]).toEqual([1, Number.NEGATIVE_INFINITY, Number.NaN, 2]);
    expect(notes).toEqual({
      rounded: 0,
      largestRelativeChange: 0,
      firstNonFinite: { row: 0, col: 1, value: Number.NEGATIVE_INFINITY },
    });
  });

  test("refuses missing and surplus bytes, saying how many", async () => {
    const whole = npyBytes({ shape: [2, 3] });
    await expect(read(whole.subarray(0, -4))).rejects.toThrow(
      `A.npy: byte ${whole.length - 4}: expected 24 bytes of float32 for 2×3, found the end after 20`,
    );
    await expect(read(Buffer.concat([whole, new Uint8Array(5)]))).rejects.toThrow(
      `A.npy: byte ${whole.length}: expected the end, found 5 more bytes`,
    );
  });

  test("believes no header that promises more than the file holds", async () => {
    const bytes = npyBytes({ shape: [2 ** 40, 2 ** 40], data: new Uint8Array(8) });
    await expect(read(bytes)).rejects.toThrow(InputError);
  });

  test("refuses a matrix larger than memory before it allocates", async () => {
    const bytes = npyBytes({ descr: "|u1", shape: [1024, 1024], data: new Uint8Array(2 ** 20) });
    await expect(read(bytes, { availableBytes: 3 * 2 ** 20 })).rejects.toThrow(
      "A.npy: needs 4 MiB for 1024×1024 float32, this machine has 3 MiB free",
    );
  });

  test("notices a file that shrinks while it is read", async () => {
    const bytes = npyBytes({ shape: [2, 3] });
    const source = { ...memorySource(bytes.subarray(0, -2)), sizeBytes: bytes.length };
    await expect(readNpy("A.npy", source)).rejects.toThrow(InputError);
  });

  test("stops when told to, with the reason given", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(read(npyBytes({ shape: [2, 3] }), { signal })).rejects.toBe(reason);
  });
});
