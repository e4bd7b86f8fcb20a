import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Matrix } from "../../src/core/matrix.ts";
import { gemmReference } from "../../src/kernels/gemm/gemm-reference.ts";
import {
  fillOperands,
  halfOfInteger,
  type OperandLayout,
  operandSize,
  wrongRow,
} from "../../src/kernels/tuning/tune-operands.ts";
import { transposed } from "../support/matrices.ts";

describe("halfOfInteger", () => {
  test("is exact for every whole number up to 2048", () => {
    for (let value = -2048; value <= 2048; value++) {
      expect(valueOfHalf(halfOfInteger(value))).toBe(value);
    }
  });
});

describe("fillOperands", () => {
  test("makes operands whose product passes, and any other product fails", () => {
    const layouts = fc.record({
      precision: fc.constantFrom("f32" as const, "f16" as const),
      transposeA: fc.boolean(),
      transposeB: fc.boolean(),
    });
    const side = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(side, side, side, layouts, fc.nat(), (m, k, n, layout, at) => {
        const { a, b, check } = filled({ m, k, n }, layout);
        const { data } = gemmReference(a, b);
        expect(wrongRow(data, 0, check)).toBeUndefined();
        // In parts, as it is read back.
        const part = Math.floor(m / 2);
        expect(wrongRow(data.subarray(part * n), part, check)).toBeUndefined();
        data[at % data.length]! += 1;
        expect(wrongRow(data, 0, check)).toBe(Math.floor((at % data.length) / n));
        data[at % data.length] = Number.NaN;
        expect(wrongRow(data, 0, check)).toBe(Math.floor((at % data.length) / n));
      }),
    );
  });

  test("tells apart products whose columns were exchanged", () => {
    const { a, b, check } = filled(
      { m: 4, k: 30, n: 8 },
      { precision: "f32", transposeA: false, transposeB: false },
    );
    const { data } = gemmReference(a, b);
    const first = data[0]!;
    data[0] = data[1]!;
    data[1] = first;
    expect(wrongRow(data, 0, check)).toBe(0);
  });

  test("keeps sums far below where float32 stops being exact", () => {
    const { a, b } = filled(
      { m: 2, k: 4096, n: 2 },
      { precision: "f32", transposeA: false, transposeB: false },
    );
    expect(Math.max(...a.data)).toBe(Math.fround(Math.max(...a.data)));
    expect(Math.max(...a.data.map(Math.abs))).toBeLessThanOrEqual(4096);
    expect(Math.max(...gemmReference(a, b).data.map(Math.abs))).toBeLessThan(2 ** 22);
  });
});

function filled(shape: { m: number; k: number; n: number }, layout: OperandLayout) {
  const { m, k, n } = shape;
  const a = new ArrayBuffer(operandSize(m * k, layout.precision));
  const b = new ArrayBuffer(operandSize(k * n, layout.precision));
  const check = fillOperands(shape, layout, { a, b });
  const read = (buffer: ArrayBuffer, rows: number, cols: number, flip: boolean): Matrix => {
    const data =
      layout.precision === "f32"
        ? new Float32Array(buffer)
        : Float32Array.from(new Uint16Array(buffer).subarray(0, rows * cols), valueOfHalf);
    const stored = flip ? [cols, rows] : [rows, cols];
    const matrix = { rows: stored[0]!, cols: stored[1]!, rowStride: stored[1]!, data };
    return flip ? transposed(matrix) : matrix;
  };
  return {
    a: read(a, m, k, layout.transposeA),
    b: read(b, k, n, layout.transposeB),
    check,
  };
}

function valueOfHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
