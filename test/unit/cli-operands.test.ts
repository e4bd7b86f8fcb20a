import { expect, test } from "vitest";
import type { OperandRun } from "../../src/cli/multiply-run.ts";
import { requireMultiplicable } from "../../src/cli/operands.ts";
import { InputError } from "../../src/index.ts";

const operand = (file: string, rows: number, cols: number): OperandRun => ({
  file,
  rows,
  cols,
  dtype: "float32",
  notes: { rounded: 0, largestRelativeChange: 0 } as OperandRun["notes"],
});

test("operands that fit each other and memory pass", () => {
  expect(() =>
    requireMultiplicable(operand("A", 4, 2), operand("B", 2, 3), 4 * 3 * 2 * 4),
  ).not.toThrow();
});

test("a product that memory cannot hold is refused with its size and what there is", () => {
  const refuse = () =>
    requireMultiplicable(operand("A", 2 ** 16, 1), operand("B", 1, 2 ** 16), 2 ** 33);
  expect(refuse).toThrow(InputError);
  expect(refuse).toThrow("65536×65536 needs 32 GiB, this machine has 8 GiB free");
});

test("operands that do not fit each other are refused by the names of their files", () => {
  const refuse = () => requireMultiplicable(operand("A", 4, 2), operand("B", 3, 4), 2 ** 33);
  expect(refuse).toThrow("the columns of A must be as many as the rows of B, got 4×2 times 3×4");
});
