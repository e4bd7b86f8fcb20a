import { describe, expect, test } from "vitest";

import { DeviceLimitError, InputError } from "../../src/core/errors.ts";
import { describeAdapter } from "../../src/kernels/device/device-adapters.ts";
import { type GemmDevice, kernelFacts } from "../../src/kernels/gemm/gemm-family.ts";
import {
  matrixRoundings,
  matrixShape,
  splitRoundings,
} from "../../src/kernels/gemm/gemm-matrix.ts";
import { gemmCandidates, planGemm } from "../../src/kernels/gemm/gemm-plan.ts";
import { splitBytes } from "../../src/kernels/halves/halves-split.ts";
import { limitsWith } from "../support/limits.ts";
import { MATRIX_FEATURES, type MatrixSides, matrixDevice } from "../support/subgroup-matrix.ts";

const square: MatrixSides = { M: 16, N: 16, K: 16 };
const shape = { m: 512, k: 512, n: 512 };

/** As an H200 through Dawn, or what is left of it. */
function hopper(changes: Partial<Parameters<typeof matrixDevice>[1]> = {}): GemmDevice {
  const { limits } = limitsWith({
    maxBufferSize: 2 ** 33,
    maxStorageBufferBindingSize: 2 ** 31 - 4,
  });
  const large = {
    ...limits,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupStorageSize: 49_152,
  };
  return matrixDevice(large, { matrices: [square], lanes: 32, ...changes });
}

describe("the family matrix", () => {
  test.each(["f16", "f32-split"] as const)("is the choice for %s where it can run", (precision) => {
    for (const side of [64, 512, 4096]) {
      const large = { m: side, k: side, n: side };
      expect(planGemm(large, hopper(), { precision }).family).toBe("matrix");
      expect(gemmCandidates(large, hopper(), { precision })[0]!.family).toBe("matrix");
    }
  });

  test("leaves f32, and f16 elsewhere, to the others", () => {
    expect(planGemm(shape, hopper()).family).not.toBe("matrix");
    expect(planGemm(shape, limitsWith(), { precision: "f16" }).family).not.toBe("matrix");
  });

  test("takes larger tiles for larger products, and each within the device's limits", () => {
    const heightOf = (side: number, precision: "f16" | "f32-split") => {
      const plan = planGemm({ m: side, k: side, n: side }, hopper(), { precision });
      return side / plan.tiles[0]!.workgroups[1];
    };
    expect([128, 1024, 8192].map((side) => heightOf(side, "f16"))).toEqual([64, 64, 256]);
    expect(heightOf(8192, "f32-split")).toBe(128);
    for (const precision of ["f16", "f32-split"] as const) {
      const candidates = gemmCandidates(shape, hopper(), { precision });
      expect(candidates.filter(({ family }) => family === "matrix")).toHaveLength(3);
    }
  });

  test("refuses precision f32", () => {
    const plan = () => planGemm(shape, hopper(), { family: "matrix" });
    expect(plan).toThrow(DeviceLimitError);
    expect(plan).toThrow(/"f16" or "f32-split"/);
  });

  test.each(MATRIX_FEATURES)("is refused, by name, where %s is missing", (missing) => {
    const device = hopper({ features: MATRIX_FEATURES.filter((name) => name !== missing) });
    for (const options of [
      { precision: "f16", family: "matrix" },
      { precision: "f32-split", family: "matrix" },
      { precision: "f32-split" },
    ] as const) {
      expect(() => planGemm(shape, device, options)).toThrow(DeviceLimitError);
      expect(() => planGemm(shape, device, options)).toThrow(missing);
    }
    expect(gemmCandidates(shape, device, { precision: "f32-split" })).toEqual([]);
    expect(planGemm(shape, device, { precision: "f16" }).family).not.toBe("matrix");
  });

  test.each([
    { matrices: [] },
    { matrices: [{ M: 16, N: 16, K: 4 }] },
    { matrices: [{ M: 64, N: 64, K: 16 }] },
  ])("is refused where the matrices are none that it can use: %j", ({ matrices }) => {
    const plan = () => planGemm(shape, hopper({ matrices }), { precision: "f32-split" });
    expect(plan).toThrow(DeviceLimitError);
    expect(plan).toThrow(/no subgroup matrices of halves/);
  });

  test.each(["naive", "tiled", "register", "subgroup", "vector"] as const)(
    "alone makes f32-split: %s is refused",
    (family) => {
      const plan = () => planGemm(shape, hopper(), { precision: "f32-split", family });
      expect(plan).toThrow(DeviceLimitError);
      expect(plan).toThrow(/for the family "matrix" alone/);
    },
  );

  test("is refused where its tiles exceed the workgroup memory", () => {
    const device = { ...hopper(), limits: limitsWith().limits }; // 16 KiB
    const config = { SUBGROUPS_M: 4, SUBGROUPS_N: 2, ROWS: 4, COLS: 4 };
    const wish = { precision: "f16", family: "matrix", config } as const;
    expect(() => planGemm(shape, device, wish)).toThrow(DeviceLimitError);
    expect(() => planGemm(shape, hopper(), { ...wish, config: { ROWS: 3 } })).toThrow(InputError);
  });

  test("takes the largest matrices of halves that are summed in float32", () => {
    const matrices = [{ M: 16, N: 8, K: 8 }, square, { M: 8, N: 8, K: 8 }];
    const shapeOf = (device: GemmDevice) => matrixShape(kernelFacts(device));
    expect(shapeOf(hopper({ matrices }))).toEqual({ m: 16, n: 16, k: 16 });
    const { adapterInfo, ...rest } = hopper();
    const others = {
      ...adapterInfo,
      subgroupMatrixConfigs: [
        { componentType: "f16", resultComponentType: "f16", ...square },
        { componentType: "i8", resultComponentType: "i32", M: 16, N: 16, K: 32 },
      ],
    };
    expect(shapeOf({ ...rest, adapterInfo: others as Partial<GPUAdapterInfo> })).toBe(undefined);
  });

  test("reads octets only where every row begins and ends at one", () => {
    const precision = "f16" as const;
    const wide = (options: Parameters<typeof planGemm>[2], on = shape) => {
      const { prelude } = planGemm(on, hopper(), { precision, ...options });
      return [/ElemA = vec4u/.test(prelude), /ElemB = vec4u/.test(prelude)];
    };
    expect(wide({})).toEqual([true, true]);
    expect(wide({ strides: { a: 516 } })).toEqual([false, true]);
    expect(wide({ offsets: { b: 4 } })).toEqual([true, false]);
    expect(wide({ batch: { count: 2, strides: { a: 2 ** 18 + 4 } } })).toEqual([false, true]);
    expect(wide({}, { m: 512, k: 508, n: 512 })).toEqual([false, true]);
    expect(wide({ transposeA: true }, { m: 508, k: 512, n: 512 })).toEqual([false, true]);
  });

  test("stores whole matrices only where every binding of C is as long as one", () => {
    const direct = (m: number, precision: "f16" | "f32-split" = "f16") =>
      /DIRECT = 1u/.test(planGemm({ m, k: 64, n: 16 }, hopper(), { precision }).prelude);
    expect(direct(16)).toBe(true);
    expect(direct(15)).toBe(false);
    expect(direct(16, "f32-split")).toBe(false);
  });

  test("bounds its error by the roundings of truncating hardware", () => {
    const one = { SUBGROUPS_M: 2, SUBGROUPS_N: 2, splits: 1 };
    const roundings = (k: number, precision: "f16" | "f32-split", config = one) =>
      planGemm({ m: 64, k, n: 64 }, hopper(), { precision, family: "matrix", config }).roundings;
    expect(roundings(100, "f16")).toBe(matrixRoundings(100, 16));
    expect(matrixRoundings(100, 16)).toBe(7 * (16 + 8) * 2);
    expect(roundings(1000, "f32-split")).toBe(splitRoundings(1000, 16));
    // Four sums, added up in three more.
    expect(roundings(4096, "f32-split")).toBe(splitRoundings(1024, 16) + 3);
    expect(roundings(1024, "f16", { ...one, splits: 4 })).toBe(matrixRoundings(256, 16) + 3);
  });
});

describe("a plan of f32-split", () => {
  test("makes pairs of whole octets, each line of C with a scale of its own", () => {
    const plan = planGemm({ m: 30, k: 50, n: 70 }, hopper(), {
      precision: "f32-split",
      transposeB: true,
      offsets: { a: 5 },
      strides: { b: 61 },
      batch: { count: 3, strides: { b: 0 } },
    });
    const { a, b } = plan.split!;
    expect([a.by, b.by]).toEqual(["rows", "rows"]);
    expect(a.floats).toEqual(plan.a);
    expect(a.halves).toMatchObject({ rowStride: 56, offset: 0, batch: { count: 3, stride: 1680 } });
    expect(b.halves).toMatchObject({ rowStride: 56, batch: { count: 3, stride: 0 } });
    expect([a.lineStride, b.lineStride]).toEqual([30, 0]);
    expect(splitBytes(a)).toEqual({ halves: 4 * 3 * 30 * 56, maxima: 4 * 3 * 30 });
    expect(splitBytes(b)).toEqual({ halves: 4 * 70 * 56, maxima: 4 * 70 });
  });

  test("cuts k where a sum ends", () => {
    const cuts = (k: number, CHUNK: number) =>
      planGemm({ m: 64, k, n: 64 }, hopper(), {
        precision: "f32-split",
        family: "matrix",
        config: { CHUNK, splits: 1 },
      }).tiles.map((tile) => [tile.k.count, tile.accumulate]);
    expect(cuts(1024, 1024)).toEqual([[1024, false]]);
    expect(cuts(1025, 1024).map(([, accumulate]) => accumulate)).toEqual([false, true]);
    expect(cuts(4096, 512).every(([count]) => Number(count) <= 512)).toBe(true);
  });

  test("has windows of whole octets within the limits of a binding", () => {
    const small = {
      ...hopper(),
      limits: { ...hopper().limits, maxStorageBufferBindingSize: 65_536 },
    };
    const plan = planGemm({ m: 300, k: 333, n: 200 }, small, { precision: "f32-split" });
    expect(plan.tiles.length).toBeGreaterThan(4);
    for (const { a, b } of plan.tiles) {
      for (const window of [a, b]) {
        expect(window.base % 8).toBe(0);
        expect(window.sizeBytes % 32).toBe(0);
        expect(window.sizeBytes).toBeLessThanOrEqual(65_536);
      }
    }
  });

  test("is refused where pairs exceed any buffer, or bindings are shorter than a tile is wide", () => {
    const with_ = (limits: Partial<GemmDevice["limits"]>) => ({
      ...hopper(),
      limits: { ...hopper().limits, ...limits },
    });
    const wish = { precision: "f32-split", strides: { a: 100 } } as const;
    const few = { m: 100, k: 97, n: 8 };
    expect(() => planGemm(few, with_({ maxBufferSize: 40_000 }), wish)).toThrow(/pairs of a/);
    const narrow = with_({ maxStorageBufferBindingSize: 300 });
    expect(() => planGemm({ m: 4, k: 50, n: 4 }, narrow, { precision: "f32-split" })).toThrow(
      DeviceLimitError,
    );
  });
});

describe("an adapter", () => {
  test("tells which subgroup matrices it has, where it has any", () => {
    const { limits, features, adapterInfo } = hopper();
    const describable = {
      limits: limits as GPUSupportedLimits,
      features: features as ReadonlySet<string>,
      info: adapterInfo as GPUAdapterInfo,
    };
    expect(describeAdapter(describable, "system").subgroupMatrices).toEqual([
      { component: "f16", result: "f32", m: 16, n: 16, k: 16 },
    ]);
    const plain = { ...describable, info: { vendor: "x" } as GPUAdapterInfo };
    expect(describeAdapter(plain, "system")).not.toHaveProperty("subgroupMatrices");
  });
});
