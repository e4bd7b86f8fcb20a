/**
 * @file Every family × precision × transposition over sampled shapes, strides, offsets, batches, slices of k
 * and tiles, against a float64 reference within the bound that the plan promises. Seeded; edges and
 * primes always.
 */
import { expect, test } from "vitest";
import { DeviceLimitError } from "../../src/core/errors.ts";
import { gamma } from "../../src/core/float32.ts";
import { seededRandom } from "../../src/core/random.ts";
import { gemmKernels } from "../../src/kernels/gemm/gemm-families.ts";
import type { GemmFamily, GemmShape } from "../../src/kernels/gemm/gemm-family.ts";
import type { GemmOptions } from "../../src/kernels/gemm/gemm-options.ts";
import { planGemm } from "../../src/kernels/gemm/gemm-plan.ts";
import { deviation, multiply, runnableFamilies } from "../support/gemm.ts";
import { describeGpu } from "../support/gpu.ts";
import { limitsOf } from "../support/limits.ts";
import { multiplyMagnitudes64, multiplyReference64, worstDeviation } from "../support/matrices.ts";

const LARGEST_SIDE = 130;
/** A page has the same shaders and the same driver as Node: there, a part of the samples will do. */
const inPage = typeof document !== "undefined";

describeGpu("gemm over sampled shapes", (device) => {
  const orders = [
    { transposeA: false, transposeB: false },
    { transposeA: true, transposeB: false },
    { transposeA: false, transposeB: true },
    { transposeA: true, transposeB: true },
  ];
  const sampledOrders = inPage ? [orders[0]!, orders[3]!] : orders;
  const samples = inPage ? 1 : 4;
  for (const family of runnableFamilies(device)) {
    for (const precision of ["f32", "f16"] as const) {
      if (!runnableFamilies(device, precision).includes(family)) continue;
      test.each(sampledOrders)(`${family} in ${precision}, %j`, async (order) => {
        const options = { family, precision, ...order };
        const random = seededRandom("gemm", family, precision, JSON.stringify(order));
        for (const shape of fixedShapes()) {
          expect({ shape, worst: await deviation(device, shape, options) }).toSatisfy(isWithin);
        }
        for (let i = 0; i < samples; i++) {
          const { shape, layout } = sampled(random, order);
          const job = { ...options, ...layout };
          const worst = await deviation(device, shape, job);
          expect({ shape, job, worst }).toSatisfy(isWithin);
        }
      });
    }

    test(`${family} in configurations drawn at random`, async () => {
      const random = seededRandom("configurations", family);
      const { parameters } = gemmKernels[family];
      let refused = 0;
      for (let i = 0; i < 3; i++) {
        const { shape, layout } = sampled(random, {});
        const config = Object.fromEntries(
          Object.entries(parameters).map(([name, values]) => [name, oneOf(random, values)]),
        );
        const job: GemmOptions = { ...layout, family, config: { ...config, splits: 1 + (i % 3) } };
        const worst = await deviation(device, shape, job).catch((error: Error) => {
          if (!(error instanceof DeviceLimitError)) throw error;
          refused++; // more than this device has
          return 0;
        });
        expect({ shape, job, worst }).toSatisfy(isWithin);
      }
      expect(refused).toBeLessThan(3);
    });

    test(`${family} slices k, in batches and past one binding`, async () => {
      // Octets that are whole need no copy, which would have to fit a binding.
      const [few, shape] = gemmKernels[family].octets
        ? [limitsOf(device, { maxStorageBufferBindingSize: 6144 }), { m: 13, k: 304, n: 40 }]
        : [limitsOf(device, { maxStorageBufferBindingSize: 4096 }), { m: 13, k: 301, n: 11 }];
      const batch = { count: 5, strides: { a: 0, b: shape.n * shape.k + 8, c: 600 } };
      for (const splits of [2, 7, 64]) {
        const options = { family, config: { splits }, batch, accumulate: splits === 7 };
        expect(planGemm(shape, device, options).tiles[0]!.slices?.total).toBeGreaterThan(1);
        expect(await deviation(device, shape, options)).toBeLessThanOrEqual(1);
        expect(await deviation(device, shape, options, few)).toBeLessThanOrEqual(1);
      }
    });

    test(`${family} makes a batch of transposed operands in many dispatches`, async () => {
      const shape = { m: 37, k: 30, n: 35 };
      const orders = { transposeA: true, transposeB: true, accumulate: true };
      const options = { family, ...orders, batch: { count: 5 }, maxFlopsPerPass: 20_000 };
      expect(planGemm(shape, device, options).tiles.length).toBeGreaterThan(5);
      expect(await deviation(device, shape, options)).toBeLessThanOrEqual(1);
    });

    test(`${family} gives the same bits for the same inputs`, async () => {
      for (const config of [{ splits: 1 }, { splits: 5 }]) {
        const shape = { m: 37, k: 203, n: 41 };
        const [first, second] = [
          await multiply(device, shape, { family, config }),
          await multiply(device, shape, { family, config }),
        ];
        expect(bits(second.filled)).toEqual(bits(first.filled));
      }
    });
  }

  test("adds to strips of few and of more columns, whatever the rows of a tile", async () => {
    for (const family of runnableFamilies(device)) {
      if (!gemmKernels[family].strip) continue;
      const { ROWS: sizes = [] } = gemmKernels[family].parameters;
      expect(sizes.length).toBeGreaterThan(1);
      for (const ROWS of sizes) {
        for (const n of [33, 35, 45, 80]) {
          const options = { family, config: { ROWS }, accumulate: true };
          const worst = await deviation(device, { m: 75, k: 24, n }, options);
          expect({ family, ROWS, n, worst }).toSatisfy(isWithin);
        }
      }
    }
  });

  test("keeps its bound where every addition rounds up", async () => {
    // 1, and then terms of little more than half a unit of it: each addition errs by half a unit.
    const term = 2 ** -24 * (1 + 2 ** -10);
    for (const family of runnableFamilies(device)) {
      for (const config of [{ splits: 1 }, { splits: 2 }]) {
        const options = { family, config, maxFlopsPerPass: 20_000 };
        const { c, a, b, plan } = await multiply(
          device,
          { m: 4, k: 1100, n: 8 },
          options,
          device,
          (x, y) => {
            y.fill(1);
            x.fill(term);
            for (let i = 0; i < x.length; i += 1100) x[i] = 1;
          },
        );
        const expected = multiplyReference64(a, b);
        const bound = { factor: gamma(plan.roundings), scale: multiplyMagnitudes64(a, b) };
        const worst = worstDeviation(c, expected, bound);
        expect({ family, config, worst }).toSatisfy(isWithin);
        // The chains are as long as promised: one that is a third shorter would not reach this.
        expect({ family, worst }).toSatisfy(() => family === "vector" || worst > 0.3);
      }
    }
  });

  test("gives the same bits, however little work a dispatch may do", async () => {
    for (const family of runnableFamilies(device)) {
      for (const shape of [
        { m: 8, k: 4096, n: 8 },
        { m: 5, k: 1000, n: 40 },
      ]) {
        const whole = await multiply(device, shape, { family });
        for (const maxFlopsPerPass of [3e4, 3e5]) {
          const cut = await multiply(device, shape, { family, maxFlopsPerPass });
          expect({ family, same: bits(cut.filled).join() === bits(whole.filled).join() }).toEqual({
            family,
            same: true,
          });
        }
      }
    }
  });

  test("lets NaN and ±Inf through to the elements that they belong to, and to no other", async () => {
    const shape = { m: 21, k: 18, n: 23 };
    for (const family of runnableFamilies(device)) {
      await expectSpread(device, shape, family);
    }
  });
});

/** Inf in one row of A and NaN in one column of B spoil that row and that column of C. */
async function expectSpread(
  device: GPUDevice,
  shape: GemmShape,
  family: GemmFamily,
): Promise<void> {
  const { k, n } = shape;
  const { c } = await multiply(device, shape, { family }, device, (a, b) => {
    a[20 * k + k - 1] = Number.POSITIVE_INFINITY; // the last column: where kernels handle edges
    b[(k - 1) * n + 22] = Number.NaN;
  });
  for (let row = 0; row < shape.m; row++) {
    for (let col = 0; col < n; col++) {
      const value = c.data[row * c.rowStride + col]!;
      // What kernels put in place of elements past the edge must not turn an infinity into NaN.
      if (col !== 22) expect({ family, row, col, value }).not.toMatchObject({ value: Number.NaN });
      const finite = Number.isFinite(value);
      expect({ family, row, col, finite }).toEqual({
        family,
        row,
        col,
        finite: row !== 20 && col !== 22,
      });
    }
  }
}

function fixedShapes(): readonly GemmShape[] {
  const shapes = [
    { m: 1, k: 1, n: 1 },
    { m: 127, k: 113, n: 109 },
    { m: 64, k: 64, n: 64 },
    { m: 130, k: 5, n: 3 },
  ];
  return inPage ? shapes.slice(1, 3) : shapes;
}

/** A shape up to 130 each way, and gaps, offsets, a batch or slices for it. */
function sampled(
  random: () => number,
  { transposeA = false, transposeB = false }: GemmOptions,
): { readonly shape: GemmShape; readonly layout: GemmOptions } {
  const side = () => 1 + Math.floor(random() * LARGEST_SIDE);
  const small = () => Math.floor(random() * 9);
  const shape = { m: side(), k: side(), n: side() };
  // Half of the layouts keep to multiples of four or eight, for which kernels read vectors.
  const step = oneOf(random, [1, 1, 4, 8]);
  for (const name of ["m", "k", "n"] as const) shape[name] = step * Math.ceil(shape[name] / step);
  const gap = () => step * small();
  const { m, k, n } = shape;
  const layout: GemmOptions = {
    strides: {
      a: (transposeA ? m : k) + gap(),
      b: (transposeB ? k : n) + gap(),
      c: n + gap(),
    },
    offsets: { a: gap(), b: gap(), c: gap() },
    accumulate: random() < 0.3,
    ...(random() < 0.3 ? { batch: { count: 3 } } : {}),
  };
  return { shape, layout };
}

function oneOf<T>(random: () => number, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)]!;
}

function isWithin({ worst }: { readonly worst: number }): boolean {
  return worst <= 1;
}

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
