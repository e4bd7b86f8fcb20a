import fc from "fast-check";
import { expect, test } from "vitest";

import { DeviceLimitError } from "../../src/core/errors.ts";
import { panelBytes, planGpuPanels } from "../../src/workers/gpu-panels.ts";

const side = fc.integer({ min: 1, max: 50_000 });
const shape = fc.record({ m: side, k: side, n: side });

test("panels fit the buffers and the budget, and are no larger than the product", () => {
  const maxBufferSize = 2 ** 28;
  const budgetBytes = 2 ** 29;
  fc.assert(
    fc.property(shape, (whole) => {
      const panel = planGpuPanels(whole, { maxBufferSize, budgetBytes });
      const { a, b, c } = panelBytes(panel);
      expect(Math.max(a, b, c)).toBeLessThanOrEqual(maxBufferSize);
      expect(a + b + 2 * c).toBeLessThanOrEqual(budgetBytes);
      for (const each of ["m", "k", "n"] as const) {
        expect(panel[each]).toBeLessThanOrEqual(whole[each]);
        expect(panel[each]).toBeGreaterThanOrEqual(1);
      }
    }),
  );
});

test("a product that fits is one panel", () => {
  const whole = { m: 1000, k: 999, n: 1 };
  expect(planGpuPanels(whole, { maxBufferSize: 2 ** 22, budgetBytes: 2 ** 23 })).toEqual(whole);
});

test("a budget for nothing is a DeviceLimitError that names the shape", () => {
  const plan = () =>
    planGpuPanels({ m: 100, k: 100, n: 100 }, { maxBufferSize: 2 ** 20, budgetBytes: 1000 });
  expect(plan).toThrow(DeviceLimitError);
  expect(plan).toThrow(/100×100×100/);
});
