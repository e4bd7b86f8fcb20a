import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { DeviceLimitError, InputError, ShapeError } from "../../src/core/errors.ts";
import {
  extentBytes,
  fitPart,
  requireStored,
  spanLength,
  split,
  windowCapacity,
  windowOf,
} from "../../src/kernels/tiling.ts";
import { limitsWith } from "../support/limits.ts";

const { limits } = limitsWith();

describe("split", () => {
  test("covers every index once, in order, in spans within the maximum", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 64 }),
        (total, max, granule) => {
          let next = 0;
          for (const { first, count } of split(total, max, granule)) {
            expect(first).toBe(next);
            expect(count).toBeGreaterThan(0);
            expect(count).toBeLessThanOrEqual(max);
            if (max >= granule) expect(first % granule).toBe(0);
            next += count;
          }
          expect(next).toBe(total);
        },
      ),
    );
  });

  test("keeps a range whole where it fits and evens out the rest", () => {
    expect(split(7, 7, 4)).toEqual([{ first: 0, count: 7 }]);
    expect(split(33, 32).map(({ count }) => count)).toEqual([17, 16]);
    expect(split(100, 70, 32).map(({ count }) => count)).toEqual([64, 36]);
  });
});

describe("windowOf", () => {
  test("is aligned, within the limit and holds exactly the part that fitPart allows", () => {
    fc.assert(
      fc.property(
        fc.record({
          rows: fc.integer({ min: 1, max: 60 }),
          cols: fc.integer({ min: 1, max: 400 }),
          gap: fc.integer({ min: 0, max: 90 }),
          offset: fc.integer({ min: 0, max: 300 }),
          bindingBytes: fc.integer({ min: 64, max: 2048 }).map((words) => 4 * words),
          alignment: fc.constantFrom(32, 64, 256),
        }),
        fc.nat(),
        fc.nat(),
        ({ rows, cols, gap, offset, bindingBytes, alignment }, down, right) => {
          const small = limitsWith({
            maxStorageBufferBindingSize: bindingBytes,
            minStorageBufferOffsetAlignment: alignment,
          }).limits;
          const stored = { rows, cols, rowStride: cols + gap, offset };
          const part = fitPart(stored, stored.rowStride, windowCapacity(small));
          const row = down % (rows - part.rows + 1);
          const col = right % (cols - part.cols + 1);
          const window = windowOf(
            stored,
            { rows: { first: row, count: part.rows }, cols: { first: col, count: part.cols } },
            small,
          );
          const first = window.offsetBytes / 4 + window.base;
          expect(window.offsetBytes % alignment).toBe(0);
          expect(window.sizeBytes).toBeLessThanOrEqual(bindingBytes);
          expect(first).toBe(offset + row * stored.rowStride + col);
          expect(window.offsetBytes + window.sizeBytes).toBe(
            4 * (first + spanLength(part.rows, part.cols, stored.rowStride)),
          );
          expect(window.offsetBytes + window.sizeBytes).toBeLessThanOrEqual(extentBytes(stored));
        },
      ),
    );
  });

  test("does not fit where a binding is no longer than the alignment", () => {
    const tight = limitsWith({ maxStorageBufferBindingSize: 252 }).limits;
    expect(() => windowCapacity(tight)).toThrow(DeviceLimitError);
    const least = limitsWith({ maxStorageBufferBindingSize: 256 }).limits;
    expect(windowCapacity(least)).toBe(1);
  });
});

describe("requireStored", () => {
  const stored = { rows: 3, cols: 4, rowStride: 4, offset: 0 };

  test("accepts what fits, and refuses overlapping rows, odd offsets and what no buffer holds", () => {
    expect(() => requireStored("a", stored, limits)).not.toThrow();
    expect(() => requireStored("a", { ...stored, rowStride: 3 }, limits)).toThrow(ShapeError);
    expect(() => requireStored("a", { ...stored, rowStride: 4.5 }, limits)).toThrow(ShapeError);
    expect(() => requireStored("a", { ...stored, offset: -1 }, limits)).toThrow(InputError);
    expect(() => requireStored("a", { ...stored, offset: Number.NaN }, limits)).toThrow(InputError);
    expect(() => requireStored("a", { ...stored, rowStride: 2 ** 26 }, limits)).toThrow(
      DeviceLimitError,
    );
  });
});
