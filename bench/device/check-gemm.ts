/**
 * @file Products of every family × precision × transposition against float64, each within the bound that
 * its plan promises: sampled shapes with edges and primes, whole tiles and odd ones of every
 * configuration that the planner may start from, slices of k, batches, sums onto C, and the same bits twice.
 */
import { gamma } from "../../src/core/float32.ts";
import { seededRandom } from "../../src/core/random.ts";
import { gemmFamilies, gemmKernels } from "../../src/kernels/gemm/gemm-families.ts";
import { kernelFacts } from "../../src/kernels/gemm/gemm-family.ts";
import type { GemmCandidate } from "../../src/kernels/index.ts";
import {
  type GemmFamily,
  type GemmOptions,
  type GemmPlan,
  type GemmPrecision,
  type GemmShape,
  gemmCandidates,
} from "../../src/kernels/index.ts";
import { multiply } from "../../test/support/gemm.ts";
import {
  multiplyMagnitudes64,
  multiplyReference64,
  type Reference,
  worstDeviation,
} from "../../test/support/matrices.ts";
import type { CheckCase, CheckGroup } from "./check-runner.ts";

const PRECISIONS: readonly GemmPrecision[] = ["f32", "f16", "f32-split"];
const SMALLEST_NORMAL_HALF = 2 ** -14;

/** The precisions that a device offers. */
export function offeredPrecisions(device: GPUDevice): readonly GemmPrecision[] {
  return PRECISIONS.filter((precision) => familiesFor(device, precision).length > 0);
}

/** One group for every precision and family that the device can run. */
export function gemmGroups(
  device: GPUDevice,
  { quick }: { readonly quick: boolean },
): CheckGroup[] {
  return offeredPrecisions(device).flatMap((precision) =>
    familiesFor(device, precision).map((family) => ({
      name: `gemm ${precision} ${family}`,
      cases: [
        ...orders.flatMap((order) => sampledCases(device, { precision, family, ...order }, quick)),
        ...configurationCases(device, { precision, family }, quick),
        ...sliceCases(device, { precision, family }),
        repeatCase(device, { precision, family }),
      ],
    })),
  );
}

const orders = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => ({ transposeA, transposeB })),
);

function familiesFor(device: GPUDevice, precision: GemmPrecision): readonly GemmFamily[] {
  const problem = {
    shape: { m: 64, k: 64, n: 64 },
    products: 1,
    precision,
    transposeA: false,
    transposeB: false,
    aligned: { a: true, b: true, c: true },
    octets: { a: true, b: true },
  };
  return gemmFamilies
    .filter((family) => precision !== "f32-split" || family === "matrix")
    .filter((family) => !gemmKernels[family].obstacle(problem, kernelFacts(device)));
}

function sampledCases(device: GPUDevice, options: GemmOptions, quick: boolean): CheckCase[] {
  const fixed = [
    { m: 1, k: 1, n: 1 },
    { m: 127, k: 113, n: 109 },
    { m: 130, k: 5, n: 3 },
    { m: 64, k: 64, n: 64 },
    { m: 256, k: 64, n: 128 },
  ];
  const random = seededRandom("device check", JSON.stringify(options));
  const samples = Array.from({ length: quick ? 1 : 3 }, () => sampled(random, options));
  return [
    ...fixed.slice(quick ? 1 : 0).map((shape) => gemmCase(device, shape, options)),
    ...samples.map(({ shape, layout }) => gemmCase(device, shape, { ...options, ...layout })),
  ];
}

/** Whole tiles, and tiles that the edges of C cut, of every configuration to start from. */
function configurationCases(device: GPUDevice, options: GemmOptions, quick: boolean): CheckCase[] {
  const whole = { m: 512, k: 192, n: 512 };
  const cut = { m: 283, k: 141, n: 269 };
  const { family } = options;
  if (family === "naive") return [];
  const known = new Map<string, GemmCandidate>();
  for (const shape of family === "vector" ? [{ m: 512, k: 512, n: 1 }] : [whole]) {
    for (const each of gemmCandidates(shape, device, options)) {
      const config = { ...each.config, splits: 1 };
      if (each.family === family) known.set(JSON.stringify(config), { ...each, config });
    }
  }
  const shapes = family === "vector" ? [{ m: 512, k: 512, n: 1 }] : [whole, cut];
  return [...known.values()]
    .slice(0, quick ? 3 : undefined)
    .flatMap((candidate) =>
      shapes.flatMap((shape) =>
        (quick ? orders.slice(0, 1) : [orders[0]!, orders[3]!]).map((order) =>
          gemmCase(device, shape, { ...options, ...order, ...candidate }),
        ),
      ),
    );
}

function sliceCases(device: GPUDevice, options: GemmOptions): CheckCase[] {
  const shape = { m: 37, k: 1031, n: 41 };
  return [
    gemmCase(device, shape, { ...options, config: { splits: 2 } }),
    gemmCase(device, shape, { ...options, config: { splits: 7 }, accumulate: true }),
    gemmCase(device, shape, {
      ...options,
      config: { splits: 3 },
      batch: { count: 3, strides: { a: 0, b: 41 * 1031 + 5, c: 1700 } },
    }),
    gemmCase(device, shape, { ...options, maxFlopsPerPass: 200_000, accumulate: true }),
  ];
}

/** The same inputs give the same bits, with slices of k and without. */
function repeatCase(device: GPUDevice, options: GemmOptions): CheckCase {
  const shape = { m: 131, k: 611, n: 137 };
  return {
    name: "the same bits twice",
    async worst() {
      for (const splits of [1, 5]) {
        const run = () => multiply(device, shape, { ...options, config: { splits } });
        const [first, second] = [bits((await run()).filled), bits((await run()).filled)];
        if (first.some((word, at) => word !== second[at])) {
          throw new Error(`two runs with ${splits} slices of k differ`);
        }
      }
      return 0;
    },
  };
}

function gemmCase(device: GPUDevice, shape: GemmShape, options: GemmOptions): CheckCase {
  const { m, k, n } = shape;
  return {
    name: `${m}×${k}×${n} ${JSON.stringify(options)}`,
    worst: () => gemmDeviation(device, shape, options),
  };
}

/**
 * How far random products are off, as a multiple of what their plan promises. C holds other numbers
 * before, and NaN around and between its rows, which must stay.
 */
async function gemmDeviation(
  device: GPUDevice,
  shape: GemmShape,
  options: GemmOptions,
): Promise<number> {
  const spoil = options.precision === "f16" ? withoutSubnormalHalves : undefined;
  const { products, plan, filled } = await multiply(device, shape, options, device, spoil);
  requireGapsKept(filled, plan);
  let worst = 0;
  for (const { a, b, c, before } of products) {
    const added = options.accumulate ? before.data : undefined;
    const expected = plus(multiplyReference64(a, b), added, (value) => value);
    const factor = gamma(plan.roundings + (added ? 1 : 0));
    const magnitudes = plus(multiplyMagnitudes64(a, b), added, Math.abs);
    const scale = plan.precision === "f32-split" ? withPairs(magnitudes, a, b, factor) : magnitudes;
    const ratio = worstDeviation(c, expected, { factor, scale });
    if (!(ratio <= worst)) worst = ratio;
  }
  return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst;
}

/** Devices may take halves below 2^-14 for 0, so there are none. */
function withoutSubnormalHalves(...operands: readonly Float32Array[]): void {
  for (const data of operands) {
    data.forEach((value, at) => {
      if (Math.abs(value) < SMALLEST_NORMAL_HALF) data[at] = 0;
    });
  }
}

function requireGapsKept(filled: Float32Array, { c, shape, products }: GemmPlan): void {
  const inside = new Uint8Array(filled.length);
  for (let item = 0; item < products; item++) {
    for (let row = 0; row < shape.m; row++) {
      const at = c.offset + item * (c.batch?.stride ?? 0) + row * c.rowStride;
      inside.fill(1, at, at + shape.n);
    }
  }
  const written = filled.findIndex((value, at) => inside[at] === 0 && !Number.isNaN(value));
  if (written >= 0) throw new Error(`element ${written} of C's buffer is no element of C`);
}

/** With k·2^-36 μ_i ν_j, which pairs of halves cost on top, as a part of the same factor. */
function withPairs(
  magnitudes: Reference,
  a: { readonly cols: number; readonly data: Float32Array },
  b: { readonly cols: number; readonly data: Float32Array },
  factor: number,
): Reference {
  const { rows, cols } = magnitudes;
  const [rowMaxima, colMaxima] = [new Float64Array(rows), new Float64Array(cols)];
  for (const [at, value] of a.data.entries()) {
    const row = Math.floor(at / a.cols);
    rowMaxima[row] = Math.max(rowMaxima[row]!, Math.abs(value));
  }
  for (const [at, value] of b.data.entries()) {
    const col = at % b.cols;
    colMaxima[col] = Math.max(colMaxima[col]!, Math.abs(value));
  }
  const unit = (a.cols * 2 ** -36) / factor;
  const data = magnitudes.data.map(
    (value, at) => value + unit * rowMaxima[Math.floor(at / cols)]! * colMaxima[at % cols]!,
  );
  return { rows, cols, data };
}

function plus(
  sum: Reference,
  addend: Float32Array | undefined,
  of: (value: number) => number,
): Reference {
  if (!addend) return sum;
  return { ...sum, data: sum.data.map((value, at) => value + of(addend[at]!)) };
}

/** A shape up to 130 each way, and gaps, offsets or a batch for it. */
function sampled(
  random: () => number,
  { transposeA = false, transposeB = false }: GemmOptions,
): { readonly shape: GemmShape; readonly layout: GemmOptions } {
  // Kernels read in words of eight, four or two elements where all is a multiple of that, else singly.
  const unit = [1, 4, 8][Math.floor(random() * 3)]!;
  const side = () => unit * Math.ceil((1 + Math.floor(random() * 130)) / unit);
  const gap = () => unit * Math.floor(random() * 4);
  const shape = { m: side(), k: side(), n: side() };
  const { m, k, n } = shape;
  return {
    shape,
    layout: {
      strides: {
        a: (transposeA ? m : k) + gap(),
        b: (transposeB ? k : n) + gap(),
        c: n + gap(),
      },
      offsets: { a: gap(), b: gap(), c: gap() },
      accumulate: random() < 0.3,
      ...(random() < 0.3 ? { batch: { count: 3 } } : {}),
    },
  };
}

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
