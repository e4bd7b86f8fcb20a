import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { DeviceLimitError } from "../../src/core/errors.ts";
import type { GemmDevice } from "../../src/kernels/gemm/gemm-family.ts";
import type { GemmOptions } from "../../src/kernels/gemm/gemm-options.ts";
import { gemmCandidates, planGemm } from "../../src/kernels/gemm/gemm-plan.ts";
import { gemmBucket } from "../../src/kernels/tuning/tuning.ts";
import { limitsWith } from "../support/limits.ts";

/** As a software driver with subgroups of so many lanes. */
function software(lanes: number, limits = {}): GemmDevice {
  return {
    ...limitsWith(limits),
    features: new Set(["subgroups"]),
    adapterInfo: { isFallbackAdapter: true, subgroupMinSize: lanes, subgroupMaxSize: lanes },
  };
}

describe("family quad", () => {
  test("is the choice on four lanes, in place where operands lie in octets", () => {
    const plan = planGemm({ m: 512, k: 1024, n: 256 }, software(4));
    expect(plan).toMatchObject({ family: "quad", config: { ROWS: 32 } });
    expect(plan.copies).toBeUndefined();
    expect(plan.strip).toBeUndefined();
    const strides = { a: 1040, b: 264 };
    const padded = planGemm({ m: 512, k: 1024, n: 256 }, software(4), { strides });
    expect(padded).toMatchObject({ family: "quad" });
    expect(padded.copies).toBeUndefined();
    expect(planGemm({ m: 512, k: 1024, n: 256 }, software(8)).family).toBe("subgroup");
  });

  test("copies what does not lie in octets or is transposed, with zeros up to the next octet", () => {
    const shape = { m: 509, k: 1021, n: 257 };
    const { family, copies } = planGemm(shape, software(4));
    expect(family).toBe("quad");
    expect(copies?.a?.packed).toMatchObject({ rows: 509, cols: 1024, rowStride: 1024 });
    expect(copies?.b?.packed).toMatchObject({ rows: 1024, cols: 264, rowStride: 264 });
    const even = { m: 64, k: 64, n: 64 };
    const options = { family: "quad", transposeB: true } as const;
    const flipped = planGemm(even, software(4), { ...options, batch: { count: 3 } });
    expect(flipped.copies).toMatchObject({
      b: { packed: { rows: 64, cols: 64, batch: { count: 3, stride: 4096 } }, transposed: true },
    });
    expect(flipped.copies?.a).toBeUndefined();
    // A matrix that all products share is copied once.
    const shared = { count: 3, strides: { b: 0 } };
    const { copies: once } = planGemm(even, software(4), { ...options, batch: shared });
    expect(once?.b).toMatchObject({ sizeBytes: 4 * 4096, packed: { batch: { stride: 0 } } });
  });

  test("leaves small products, and few columns, to kernels that need no copy", () => {
    for (const shape of [
      { m: 8, k: 64, n: 64 },
      { m: 64, k: 64, n: 16 },
      { m: 40, k: 41, n: 43 },
      { m: 68, k: 68, n: 68 }, // a copy costs as much as it saves
      { m: 512, k: 12, n: 512 },
    ]) {
      expect(planGemm(shape, software(4)).family).toBe("subgroup");
    }
  });

  test("gives way where a copy does not fit a binding, and says so where it is demanded", () => {
    const narrow = software(4, { maxStorageBufferBindingSize: 2 ** 18 });
    const shape = { m: 300, k: 301, n: 300 };
    expect(planGemm(shape, narrow)).toMatchObject({ family: "subgroup" });
    expect(() => planGemm(shape, narrow, { family: "quad" })).toThrow(DeviceLimitError);
    expect(() => planGemm(shape, narrow, { family: "quad" })).toThrow(
      /"quad".*a .*exceed a binding/,
    );
    const quad = { family: "quad", config: { ROWS: 32 } } as const;
    const tuned = { choices: { [gemmBucket(shape)]: quad } };
    expect(planGemm(shape, software(4), { tuned })).toMatchObject(quad);
    expect(planGemm(shape, narrow, { tuned })).toMatchObject({ family: "subgroup" });
    const families = gemmCandidates(shape, narrow).map(({ family }) => family);
    expect(families[0]).toBe("subgroup");
    expect(families).not.toContain("quad");
    // A alone is too long, or has too many rows for one dispatch.
    const longA = { m: 1000, k: 300, n: 64 };
    expect(planGemm(longA, software(4, { maxStorageBufferBindingSize: 2 ** 20 })).family).toBe(
      "subgroup",
    );
    const tall = { m: 70_000, k: 33, n: 64 };
    expect(planGemm(tall, software(4)).family).toBe("subgroup");
    expect(() => planGemm(tall, software(4), { family: "quad" })).toThrow(
      /workgroups of a dispatch/,
    );
  });

  test("copies in workgroups that every device allows, and not at all where it must not", () => {
    for (const n of [9, 257, 1000, 2056, 5001]) {
      const { copies } = planGemm({ m: 64, k: 65, n }, software(4), { family: "quad" });
      const { workgroupSize, workgroups } = copies!.b!;
      expect(workgroupSize).toBeLessThanOrEqual(256);
      expect(workgroupSize * workgroups[0] * 8).toBeGreaterThanOrEqual(n);
    }
    const odd = { m: 64, k: 65, n: 64 };
    const options = { family: "quad", config: { pack: 0 } } as const;
    expect(() => planGemm(odd, software(4), options)).toThrow(/cannot be copied: config.pack is 0/);
    expect(planGemm({ m: 64, k: 64, n: 64 }, software(4), options).copies).toBeUndefined();
    const hardware = { ...software(8), adapterInfo: { subgroupMinSize: 8, subgroupMaxSize: 8 } };
    const subgroup = { family: "subgroup" } as const;
    expect(planGemm({ m: 509, k: 1021, n: 257 }, hardware, subgroup).copies).toBeUndefined();
  });

  test("refuses other devices and precisions", () => {
    const plan = (device: GemmDevice, options: GemmOptions) => () =>
      planGemm({ m: 64, k: 64, n: 64 }, device, { family: "quad", ...options });
    expect(plan(software(8), {})).toThrow(/8 lanes, and the kernel is for 4/);
    expect(plan(limitsWith(), {})).toThrow(/no "subgroups"/);
    expect(plan(software(4), { precision: "f16" })).toThrow(/reads float32/);
  });
});

describe("a strip of the last columns", () => {
  test.each([
    { lanes: 4, family: "quad", n: 257, cols: 1 },
    { lanes: 4, family: "quad", n: 48, cols: 16 },
    { lanes: 8, family: "subgroup", n: 263, cols: 7 },
  ] as const)("is planned for $n columns in $family", ({ lanes, family, n, cols }) => {
    const plan = planGemm({ m: 256, k: 256, n }, software(lanes));
    expect(plan.family).toBe(family);
    expect(plan.strip?.prelude).toMatch(/^enable subgroups;/);
    expect(plan.tiles.map((tile) => [tile.n, tile.strip])).toEqual([
      [{ first: 0, count: n - cols }, undefined],
      [{ first: n - cols, count: cols }, true],
    ]);
  });

  test.each([
    { n: 256 },
    { n: 273 }, // more than half a tile
    { n: 1025 }, // one column more hardly matters
  ])("is not planned for $n columns", ({ n }) => {
    expect(planGemm({ m: 64, k: 64, n }, software(4)).strip).toBeUndefined();
  });

  test("covers every column once, however the work is cut", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.constantFrom(4, 8, 16, 32),
        fc.constantFrom(1, 1e5, 1e9),
        fc.constantFrom("quad", "subgroup"),
        (n, lanes, maxFlopsPerPass, wanted) => {
          const family = lanes === 4 ? wanted : "subgroup";
          const options = { family, maxFlopsPerPass, config: { splits: 1 } } as const;
          const { tiles } = planGemm({ m: 20, k: 40, n }, software(lanes), options);
          const done = new Array<number>(n).fill(0);
          for (const { m, k, n: span, workgroups } of tiles) {
            expect(workgroups.every((count) => count > 0)).toBe(true);
            for (let j = span.first; j < span.first + span.count; j++)
              done[j]! += m.count * k.count;
          }
          expect(done.every((count) => count === 20 * 40)).toBe(true);
        },
      ),
    );
  });
});
