import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { gemmCandidates, planGemm } from "../../src/kernels/gemm/gemm-plan.ts";
import { type GemmTuning, gemmBucket, sideClass } from "../../src/kernels/tuning/tuning.ts";
import { limitsWith } from "../support/limits.ts";

const cube = (side: number) => ({ m: side, k: side, n: side });

describe("sideClass", () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 4],
    [7, 4],
    [8, 8],
    [11, 8],
    [12, 16],
    [362, 256],
    [363, 512],
    [724, 512],
    [725, 1024],
    [5792, 4096],
    [5793, 8192],
    [1_000_000, 8192],
  ])("puts %i into class %i", (side, expected) => {
    expect(sideClass(side)).toBe(expected);
  });

  test("never falls as sides grow, and holds sides within a factor of 1.5", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8192 }), (side) => {
        expect(sideClass(side + 1)).toBeGreaterThanOrEqual(sideClass(side));
        if (side < 8) return;
        expect(Math.max(side / sideClass(side), sideClass(side) / side)).toBeLessThan(1.5);
      }),
    );
  });
});

describe("gemmBucket", () => {
  test("names precision, orders, aligned matrices and the classes of the sides", () => {
    expect(gemmBucket({ m: 500, k: 1000, n: 64 })).toBe("f32 nn ABC 512x1024x64");
    expect(gemmBucket(cube(512), { precision: "f16", transposeB: true })).toBe(
      "f16 nt ABC 512x512x512",
    );
    expect(gemmBucket(cube(64), { batch: { count: 17 } })).toBe("f32 nn ABC 64x64x64 by 16");
    expect(gemmBucket(cube(64), { batch: { count: 1 } })).toBe("f32 nn ABC 64x64x64");
  });

  test("tells matrices apart that kernels can read four or eight elements at a time", () => {
    const aligned = (shape: Parameters<typeof gemmBucket>[0], layout = {}) =>
      gemmBucket(shape, layout).split(" ")[2];
    expect(aligned({ m: 5, k: 8, n: 7 })).toBe("A");
    expect(aligned({ m: 5, k: 12, n: 8 })).toBe("aBC");
    expect(aligned({ m: 5, k: 7, n: 8 })).toBe("BC");
    expect(aligned({ m: 8, k: 7, n: 6 }, { transposeA: true })).toBe("A");
    expect(aligned({ m: 5, k: 7, n: 6 })).toBe("-");
    expect(aligned(cube(8), { strides: { a: 9 }, offsets: { c: 4 } })).toBe("Bc");
    expect(aligned(cube(8), { batch: { count: 3, strides: { a: 0, b: 66 } } })).toBe("AC");
    expect(aligned({ m: 8, k: 6, n: 8 }, { strides: { a: 8 } })).toBe("BC");
  });
});

describe("a plan with tuning", () => {
  const device = limitsWith();
  const own = planGemm(cube(512), device);
  const other = gemmCandidates(cube(512), device).find(({ family }) => family !== own.family)!;

  test("takes the choice of its bucket, and no other", () => {
    const tuned: GemmTuning = { choices: { [gemmBucket(cube(512))]: other } };
    expect(planGemm(cube(512), device, { tuned })).toMatchObject(other);
    expect(planGemm(cube(600), device, { tuned })).toMatchObject(other);
    expect(planGemm(cube(1024), device, { tuned }).family).toBe(
      planGemm(cube(1024), device).family,
    );
    expect(planGemm(cube(513), device, { tuned }).family).toBe(planGemm(cube(513), device).family);
  });

  test("goes by rules where the choice means nothing here", () => {
    for (const choice of [
      { family: "quantum", config: {} },
      { family: other.family, config: { ...other.config, ROWS: 1000 } },
      { family: other.family, config: { ...other.config, MORE: 1 } },
    ]) {
      const tuned = { choices: { [gemmBucket(cube(512))]: choice } } as unknown as GemmTuning;
      expect(planGemm(cube(512), device, { tuned })).toEqual(own);
    }
  });
});
