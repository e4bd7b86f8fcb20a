import { describe, expect, test } from "vitest";

import { DeviceLimitError } from "../../src/core/errors.ts";
import { planFrobenius } from "../../src/kernels/reductions/frobenius-plan.ts";
import { planProjection } from "../../src/kernels/reductions/projection-plan.ts";
import { limitsWith } from "../support/limits.ts";

const hardware = limitsWith();
const software = { ...hardware, adapterInfo: { description: "SwiftShader Device (LLVM 16)" } };

describe("planFrobenius", () => {
  test("plans more blocks than a call takes arguments", () => {
    const count = 150_000;
    const plan = planFrobenius({ rows: 1, cols: 1 }, hardware, { count });
    expect(plan.blocks.length).toBe(count);
    expect(plan.scratchElements).toBe(1);
  });

  test("makes fewer partial sums on a software adapter, also where only its name tells", () => {
    const sums = (device: typeof hardware) => planFrobenius({ rows: 64, cols: 64 }, device).sums;
    expect(sums(hardware)).toBe(64); // 16 vectors each
    expect(sums(software)).toBe(4); // 256
  });

  test("refuses norms that no buffer holds", () => {
    const plan = () =>
      planFrobenius({ rows: 2, cols: 2 }, hardware, { offsets: { norms: 2 ** 40 } });
    expect(plan).toThrow(DeviceLimitError);
  });
});

describe("planProjection", () => {
  test("plans more windows of a row than a call takes arguments", () => {
    const device = limitsWith({
      maxStorageBufferBindingSize: 2 ** 20,
      minStorageBufferOffsetAlignment: 2 ** 20 - 4,
    });
    const capacity = 2; // a window begins at most 2^20 - 8 bytes before what it is for
    const cols = 300_000;
    const plan = () => planProjection({ rows: 1, cols }, device);
    expect(plan).toThrow(`needs ${cols / capacity} windows`);
  });

  test("makes fewer partial sums on a software adapter, also where only its name tells", () => {
    const sums = (device: typeof hardware) => planProjection({ rows: 4, cols: 512 }, device).sums;
    expect(sums(hardware)).toBe(32); // 16 columns each
    expect(sums(software)).toBe(1); // 1024
  });
});
