import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  fromHalves,
  HALF_ROUNDOFF,
  SMALLEST_NORMAL_HALF,
  toHalves,
} from "../../src/kernels/halves/halves.ts";

const { POSITIVE_INFINITY, NEGATIVE_INFINITY } = Number;

describe("halves", () => {
  test("every half survives the way to float32 and back", () => {
    const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
    const isNaNHalf = (bits: number) => (bits & 0x7fff) > 0x7c00;
    const back = toHalves(fromHalves(all));
    for (const bits of all) {
      if (isNaNHalf(bits)) expect(isNaNHalf(back[bits]!)).toBe(true);
      else expect(back[bits]).toBe(bits);
    }
  });

  test("float32 between two halves goes to the nearer, and to the even one from the middle", () => {
    // All pairs of neighbours from 0 to 65504; float32 holds their middles and the next numbers exactly.
    const values = fromHalves(Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits));
    for (let low = 0; low + 1 < values.length; low++) {
      const middle = (values[low]! + values[low + 1]!) / 2;
      const gap = values[low + 1]! - values[low]!;
      const inputs = [middle, middle - gap * 2 ** -11, middle + gap * 2 ** -11];
      const even = low % 2 === 0 ? low : low + 1;
      const found = toHalves(Float32Array.from([...inputs, ...inputs.map((x) => -x)]));
      const expected = [even, low, low + 1];
      expect([...found]).toEqual([...expected, ...expected.map((bits) => bits | 0x8000)]);
    }
  });

  test.each([
    [65519.99609375, 65504],
    [65520, POSITIVE_INFINITY],
    [-65520, NEGATIVE_INFINITY],
    [3e38, POSITIVE_INFINITY],
    [POSITIVE_INFINITY, POSITIVE_INFINITY],
    [NEGATIVE_INFINITY, NEGATIVE_INFINITY],
    [Number.NaN, Number.NaN],
    [2 ** -25, 0],
    [2 ** -25 * (1 + 2 ** -23), 2 ** -24],
    [2 ** -149, 0],
    [-0, -0],
  ])("%d becomes %d", (input, expected) => {
    expect(fromHalves(toHalves(Float32Array.of(input)))[0]).toBe(expected);
  });

  test("the error keeps to its bound", () => {
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (x) => {
        const error = Math.abs(fromHalves(toHalves(Float32Array.of(x)))[0]! - x);
        const bound = Math.abs(x) < SMALLEST_NORMAL_HALF ? 2 ** -25 : HALF_ROUNDOFF * Math.abs(x);
        expect(error).toBeLessThanOrEqual(bound);
      }),
      { numRuns: 2000 },
    );
  });

  test("a view is read from its own first element", () => {
    const data = Float32Array.of(9, 1, 2);
    expect([...fromHalves(toHalves(data.subarray(1)))]).toEqual([1, 2]);
  });
});
