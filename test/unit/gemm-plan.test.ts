import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { DeviceLimitError, InputError, ShapeError } from "../../src/core/errors.ts";
import type { GemmDevice } from "../../src/kernels/gemm/gemm-family.ts";
import type { GemmOptions } from "../../src/kernels/gemm/gemm-options.ts";
import { type GemmPlan, gemmCandidates, planGemm } from "../../src/kernels/gemm/gemm-plan.ts";
import type { GemmTile } from "../../src/kernels/gemm/gemm-tiles.ts";
import type { KernelLimits } from "../../src/kernels/tiling.ts";
import { type GemmTuning, gemmBucket } from "../../src/kernels/tuning/tuning.ts";
import { limitsWith } from "../support/limits.ts";

const device = limitsWith();
const software: GemmDevice = {
  ...device,
  features: new Set(["subgroups"]),
  adapterInfo: { isFallbackAdapter: true, subgroupMinSize: 8, subgroupMaxSize: 8 },
};

describe("planGemm", () => {
  test("covers every product term exactly once, within the limits of any device", () => {
    fc.assert(
      fc.property(anyJob, ({ shape, options, device }) => {
        const plan = planGemm(shape, device, options);
        expect(plan.tiles.flatMap((tile) => brokenLimits(plan, tile, device.limits))).toEqual([]);
        expect(isEverySumInOrder(plan)).toBe(true);
      }),
    );
  });

  test("makes one tile where everything fits", () => {
    const plan = planGemm({ m: 1000, k: 2000, n: 3000 }, device);
    expect(plan).toMatchObject({ family: "tiled", precision: "f32", accumulate: false });
    expect(plan.tiles).toHaveLength(1);
    expect(plan.tiles[0]).toMatchObject({ accumulate: false, workgroups: [24, 8, 1] });
  });

  test("is plain data that survives printing", () => {
    const plan = planGemm({ m: 3, k: 4, n: 5 }, device, { transposeA: true, offsets: { b: 70 } });
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    expect(plan.a).toEqual({ rows: 4, cols: 3, rowStride: 3, offset: 0 });
    expect(plan.tiles[0]!.b).toEqual({ offsetBytes: 256, sizeBytes: 4 * (6 + 20), base: 6 });
  });

  test("keeps each dispatch within the work that is allowed", () => {
    const shape = { m: 300, k: 500, n: 400 };
    for (const maxFlopsPerPass of [2e5, 1e6, 1e7]) {
      const options = { maxFlopsPerPass, config: { splits: 1 } };
      for (const tile of planGemm(shape, device, options).tiles) {
        const flops = 2 * tile.m.count * tile.k.count * tile.n.count;
        expect(flops).toBeLessThanOrEqual(maxFlopsPerPass);
      }
    }
  });

  test("gives few rows to registers, few columns to lanes along k, and what it is told to others", () => {
    expect(planGemm({ m: 1, k: 50, n: 900 }, device).family).toBe("register");
    expect(planGemm({ m: 900, k: 50, n: 1 }, device).family).toBe("vector");
    expect(planGemm({ m: 900, k: 50, n: 1 }, device, { family: "tiled" }).family).toBe("tiled");
    expect(planGemm({ m: 900, k: 900, n: 900 }, device).family).toBe("tiled");
    expect(planGemm({ m: 900, k: 900, n: 900 }, software).family).toBe("subgroup");
  });

  test("slices k where a product is too small for the device, and promises fewer roundings", () => {
    const plan = planGemm({ m: 16, k: 10_001, n: 16 }, device);
    const { slices } = plan.tiles[0]!;
    expect(slices!.count).toBeGreaterThan(8);
    expect(slices!.length % 4).toBe(0);
    expect(slices!.count * slices!.length).toBeGreaterThanOrEqual(10_001);
    expect((slices!.count - 1) * slices!.length).toBeLessThan(10_001);
    expect(plan.scratchBytes).toBe(4 * slices!.count * 16 * 16);
    expect(plan.roundings).toBe(slices!.length + slices!.count - 1);
    expect(planGemm({ m: 4096, k: 4096, n: 4096 }, device).tiles[0]!.slices).toBeUndefined();
  });

  test("makes the same sums of k, however little work a dispatch may do", () => {
    for (const shape of [
      { m: 4, k: 1634, n: 8 },
      { m: 16, k: 10_001, n: 16 },
      { m: 700, k: 9001, n: 3 },
    ]) {
      for (const anyDevice of [device, software]) {
        const whole = planGemm(shape, anyDevice);
        for (const maxFlopsPerPass of [2e4, 1e6, 1e8]) {
          const cut = planGemm(shape, anyDevice, { maxFlopsPerPass });
          expect(cut.roundings).toBe(whole.roundings);
          expect(sumsOf(cut)).toEqual(sumsOf(whole));
        }
      }
    }
  });

  test("refuses a product of too many dispatches, and names what makes them", () => {
    const shape = { m: 4096, k: 4096, n: 4096 };
    const cut = () => planGemm(shape, device, { maxFlopsPerPass: 2 ** 16 });
    expect(cut).toThrow(DeviceLimitError);
    expect(cut).toThrow(/dispatches; the most is 100000: raise maxFlopsPerPass/);
  });

  test("covers every product of a batch once, in windows that fit", () => {
    const small = limitsWith({ maxStorageBufferBindingSize: 8 * 1024 });
    const batch = { count: 50, strides: { b: 0 } };
    const { tiles, products } = planGemm({ m: 10, k: 20, n: 30 }, small, { batch });
    expect(products).toBe(50);
    expect(tiles.length).toBeGreaterThan(7);
    const covered = tiles.flatMap(({ products: { first, count } }) =>
      Array.from({ length: count }, (_, p) => first + p),
    );
    expect(covered).toEqual(Array.from({ length: 50 }, (_, p) => p));
    for (const { a, b, c } of tiles) {
      expect(Math.max(a.sizeBytes, b.sizeBytes, c.sizeBytes)).toBeLessThanOrEqual(8 * 1024);
    }
  });

  test("uses what tuning found, where the device can run it", () => {
    const shape = { m: 500, k: 500, n: 500 };
    const bucket = gemmBucket(shape);
    const choice = (candidate: object) => {
      const tuned = { choices: { [bucket]: candidate } } as unknown as GemmTuning;
      const { family, config } = planGemm(shape, device, { tuned });
      return { family, config };
    };
    const register = {
      family: "register",
      config: { ROWS: 4, QUADS: 2, THREADS_M: 4, THREADS_N: 16 },
    };
    expect(choice(register)).toEqual(register);
    const own = planGemm(shape, device);
    const { family, config } = own;
    for (const stale of [
      { family: "subgroup", config: {} },
      { family: "gone", config: {} },
      { family: "register", config: { ROWS: 3 } },
      { family: "register", config: { THREADS_M: 16, THREADS_N: 64 } },
    ]) {
      expect(choice(stale)).toEqual({ family, config });
    }
  });

  test("lists what can run, its own choice first", () => {
    for (const shape of [
      { m: 1000, k: 1000, n: 1000 },
      { m: 1, k: 100, n: 1000 },
      { m: 1000, k: 100, n: 1 },
    ]) {
      for (const anyDevice of [device, software]) {
        const [first, ...others] = gemmCandidates(shape, anyDevice);
        expect(planGemm(shape, anyDevice)).toMatchObject(first!);
        expect(others.length).toBeGreaterThan(1);
        for (const { family, config } of others) {
          expect(planGemm(shape, anyDevice, { family, config })).toMatchObject({ family, config });
        }
      }
    }
  });

  test("refuses what the device cannot run instead of running something else", () => {
    const plan = (options: object) => () => planGemm({ m: 64, k: 64, n: 64 }, device, options);
    expect(plan({ family: "subgroup" })).toThrow(DeviceLimitError);
    expect(plan({ family: "subgroup" })).toThrow(/subgroup.*"subgroups"/);
    const threads = { ROWS: 8, QUADS: 2, THREADS_M: 16, THREADS_N: 32 };
    expect(plan({ family: "tiled", config: threads })).toThrow(/512 invocations.* 256/);
    const deep = { ROWS: 8, QUADS: 2, THREADS_M: 16, THREADS_N: 16, DEPTH: 32, STAGES: 2 };
    expect(plan({ family: "tiled", config: deep })).toThrow(/bytes of workgroup memory.* 16384/);
  });

  test.each([
    { m: 0, k: 1, n: 1 },
    { m: 1, k: -1, n: 1 },
    { m: 1, k: 1, n: 1.5 },
    { m: Number.NaN, k: 1, n: 1 },
  ])("refuses the shape %j", (shape) => {
    expect(() => planGemm(shape, device)).toThrow(ShapeError);
  });

  test("refuses strides, offsets and options out of range, naming them", () => {
    const plan = (options: object) => () => planGemm({ m: 4, k: 5, n: 6 }, device, options);
    expect(plan({ strides: { a: 4 } })).toThrow(ShapeError);
    expect(plan({ transposeA: true, strides: { a: 4 } })).not.toThrow();
    expect(plan({ offsets: { c: -1 } })).toThrow(
      /^offsets.c must be an integer of at least 0, got -1/,
    );
    expect(plan({ family: "fast" })).toThrow(InputError);
    expect(plan({ precision: "f64" })).toThrow(InputError);
    expect(plan({ family: "register", config: { ROWS: 5 } })).toThrow(
      /ROWS.*one of 1, 2, 4, 8, got 5/,
    );
    expect(plan({ family: "register", config: { DEPTH: 8 } })).toThrow(/no parameter DEPTH/);
    expect(plan({ family: "register", config: { splits: 0.5 } })).toThrow(InputError);
    expect(plan({ config: { ROWS: 4 } })).toThrow(/config must go with a family/);
    expect(plan({ batch: { count: 0 } })).toThrow(
      /^batch.count must be an integer of at least 1, got 0/,
    );
    expect(plan({ transposeb: true })).toThrow(
      /options must not hold "transposeb": no such option/,
    );
    expect(plan({ strides: { d: 3 } })).toThrow(/strides must not hold "d"/);
    expect(plan({ transposeA: "no" })).toThrow(/^transposeA must be true or false, got "no"/);
    expect(plan({ config: { splits: 0 } })).toThrow(
      /config.splits .* must be an integer of at least 1, got 0/,
    );
    expect(plan({ family: "naive", config: { toString: 1 } })).toThrow(/no parameter toString/);
    expect(plan({ family: "register", transposeB: true, config: { pack: 1 } })).toThrow(
      DeviceLimitError,
    );
    expect(plan({ tuned: {} })).not.toThrow();
    expect(plan({ batch: { count: 2, strides: { c: 23 } } })).toThrow(
      /batch.strides.c.*24, got 23/,
    );
    expect(plan({ batch: { count: 2, strides: { a: 0, b: 0 } } })).not.toThrow();
    expect(plan({ batch: { count: 2, strides: { c: 0 } } })).toThrow(ShapeError);
    expect(plan({ maxFlopsPerPass: 0 })).toThrow(InputError);
    expect(plan({ maxFlopsPerPass: Number.NaN })).toThrow(
      /^maxFlopsPerPass must be a number above 0, got NaN/,
    );
    expect(plan({ maxFlopsPerPass: Number.POSITIVE_INFINITY })).not.toThrow();
    expect(plan(null as never)).toThrow(/^options must be an object, got null/);
    expect(() => planGemm(null as never, device)).toThrow(/^shape must be { m, k, n }, got null/);
    expect(() => planGemm({ m: 1, k: 1, n: 1 }, undefined as never)).toThrow(
      /^device must be a GPUDevice, .* got undefined/,
    );
  });

  test("refuses only what no buffer of the device can hold", () => {
    const small = limitsWith({ maxBufferSize: 4 * 60 * 60, maxStorageBufferBindingSize: 256 });
    expect(planGemm({ m: 1, k: 60, n: 60 }, small).tiles.length).toBe(60 * 60);
    expect(() => planGemm({ m: 1, k: 60, n: 61 }, small)).toThrow(DeviceLimitError);
  });
});

const anyJob = fc
  .record({
    m: fc.integer({ min: 1, max: 40 }),
    k: fc.integer({ min: 1, max: 40 }),
    n: fc.integer({ min: 1, max: 40 }),
    gaps: fc.array(fc.nat(70), { minLength: 3, maxLength: 3 }),
    offsets: fc.record({ a: fc.nat(100), b: fc.nat(100), c: fc.nat(100) }),
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
    accumulate: fc.boolean(),
    family: fc.constantFrom(...(["auto", "naive", "tiled", "register", "vector"] as const)),
    maxFlopsPerPass: fc.constantFrom(1, 1000, 20_000, 1e9),
    bindingWords: fc.integer({ min: 64, max: 1500 }),
    alignment: fc.constantFrom(32, 256),
    workgroups: fc.constantFrom(1, 2, 65_535),
  })
  .map(({ m, k, n, gaps, bindingWords, alignment, workgroups, ...rest }) => {
    const [gapA, gapB, gapC] = gaps as [number, number, number];
    const strides = {
      a: (rest.transposeA ? m : k) + gapA,
      b: (rest.transposeB ? k : n) + gapB,
      c: n + gapC,
    };
    const options: GemmOptions = { ...rest, strides };
    const device = limitsWith({
      maxStorageBufferBindingSize: 4 * bindingWords,
      minStorageBufferOffsetAlignment: alignment,
      maxComputeWorkgroupsPerDimension: workgroups,
    });
    return { shape: { m, k, n }, options, device };
  });

/** True when the tiles add every term A(i, l)·B(l, j) to every C(i, j) once, in order of l, from 0. */
function isEverySumInOrder({ shape, tiles, accumulate }: GemmPlan): boolean {
  const added = new Uint32Array(shape.m * shape.n); // how much of k each element has
  for (const { m, k, n, accumulate: adds } of tiles) {
    if (adds !== (accumulate || k.first > 0)) return false;
    for (let i = m.first; i < m.first + m.count; i++) {
      for (let at = i * shape.n + n.first; at < i * shape.n + n.first + n.count; at++) {
        if (added[at] !== k.first) return false;
        added[at]! += k.count;
      }
    }
  }
  return added.every((count) => count === shape.k);
}

/** Where the sums of k begin that are added up; a sum that begins with C is no new one. */
function sumsOf({ tiles, family }: GemmPlan): readonly number[] {
  const starts = new Set<number>();
  for (const { k, slices } of tiles) {
    if (slices)
      for (let s = 0; s < slices.count; s++) starts.add((slices.first + s) * slices.length);
    else if (k.first === 0 || family === "vector") starts.add(k.first);
  }
  return [...starts].sort((a, b) => a - b);
}

/** What a tile asks for beyond the limits, and windows that do not hold exactly what it touches. */
function brokenLimits(plan: GemmPlan, tile: GemmTile, limits: KernelLimits): string[] {
  const broken: string[] = [];
  if (Math.max(...tile.workgroups) > limits.maxComputeWorkgroupsPerDimension) {
    broken.push(`workgroups ${tile.workgroups}`);
  }
  const parts = {
    a: plan.transposeA ? ([tile.k, tile.m] as const) : ([tile.m, tile.k] as const),
    b: plan.transposeB ? ([tile.n, tile.k] as const) : ([tile.k, tile.n] as const),
    c: [tile.m, tile.n] as const,
  };
  for (const name of ["a", "b", "c"] as const) {
    const { offset, rowStride } = plan[name];
    const { offsetBytes, sizeBytes, base } = tile[name];
    const [rows, cols] = parts[name];
    const first = offset + rows.first * rowStride + cols.first;
    const last = first + (rows.count - 1) * rowStride + cols.count - 1;
    if (
      offsetBytes % limits.minStorageBufferOffsetAlignment !== 0 ||
      sizeBytes > limits.maxStorageBufferBindingSize ||
      offsetBytes / 4 + base !== first ||
      (offsetBytes + sizeBytes) / 4 !== last + 1
    ) {
      broken.push(`${name} ${JSON.stringify(tile)}`);
    }
  }
  return broken;
}
