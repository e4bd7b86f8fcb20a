/**
 * @file `shaders/gemm_matrix.wgsl`: products of halves on subgroup matrices (tensor cores), for the
 * precisions "f16" and "f32-split". Here γ'_n = γ_2n: hardware may truncate where float32 units round.
 *
 * **"f16"**, A and B being the halves as stored: |Ĉ − A·B| ≤ γ_r |A||B|, r = 2(K+2)·ceil(k/K) for
 * matrices that are K deep. Products of halves are exact. One step of a subgroup matrix adds K of them to
 * a sum: each of the K + 1 may be cut to the places of the largest, and the result once more. Halves
 * below 2^-14 may count as 0, which adds at most 2^-14 (Σ|a| + Σ|b|) over those that meet one.
 * For A and B rounded to halves before: another (2^-10 + 2^-22) |A||B| + 2^-25 (Σ|a| + Σ|b|) + k·2^-50.
 *
 * **"f32-split"**, with μ_i the largest |element| of row i of A and ν_j that of column j of B:
 * |Ĉ − A·B| ≤ γ_r |A||B| + k·2^-36 μ_i ν_j, r as `splitRoundings` has it. With a, b scaled, so that
 * μ, ν ≥ 2^14, an element is a pair of halves with the error |δ| ≤ 2^-23 |a| + 2^-25. What is left out
 * is low·low/2^22, |low/2^11| ≤ 2^-11 |a| + 2^-14. So a·b errs by 2·2^-23 + 2^-22 = 2^-21 of |a||b|,
 * and by 2^-24 (|a| + |b|) + 2^-28 ≤ 2^-36 μ ν at most. The sum of the low products is 2^-10 of the
 * other at most, and so is its share in the rounding. As ‖|A||B|‖_F ≤ ‖A‖_F ‖B‖_F and
 * μ_i ν_j ≤ ‖A_i‖‖B_j‖, the pairs cost 2^-21 + k·2^-36 of ‖A‖_F ‖B‖_F at most. The sums add what sums
 * of float32 do: in the model of test/unit/gemm-matrix-precision.test.ts, with elements of both signs, all
 * is within 2^-22 of ‖A‖_F ‖B‖_F. Every CHUNK of k begins a new sum.
 * Overflow comes where a float32 product of the same sums has it, to within that error. A row of A or a
 * column of B with NaN or ±Inf in it makes all of its row or column of C NaN.
 */

import { gemmMatrixWgsl } from "../shaders.generated.ts";
import type { GemmKernel, GemmProblem, KernelFacts, WordsLayout } from "./gemm-family.ts";

/** A subgroup matrix of halves that is summed in float32, M×K times K×N. */
export interface MatrixShape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

const FEATURES = [
  "shader-f16",
  "subgroups",
  "subgroup-size-control",
  "chromium-experimental-subgroup-matrix",
];

/** What a subgroup keeps of its sums in registers: sixteen matrices of halves, or eight of pairs. */
const F16 = {
  large: { SUBGROUPS_M: 4, SUBGROUPS_N: 2, ROWS: 4, COLS: 4, STEPS: 2, STAGES: 1, SWIZZLE: 4 },
  medium: { SUBGROUPS_M: 2, SUBGROUPS_N: 2, ROWS: 4, COLS: 4, STEPS: 2, STAGES: 1, SWIZZLE: 4 },
  small: { SUBGROUPS_M: 2, SUBGROUPS_N: 2, ROWS: 2, COLS: 2, STEPS: 2, STAGES: 2, SWIZZLE: 4 },
};
const SPLIT = {
  large: { SUBGROUPS_M: 2, SUBGROUPS_N: 4, ROWS: 4, COLS: 2, STEPS: 1, STAGES: 1, SWIZZLE: 4 },
  medium: { SUBGROUPS_M: 2, SUBGROUPS_N: 2, ROWS: 4, COLS: 2, STEPS: 1, STAGES: 2, SWIZZLE: 4 },
  small: { SUBGROUPS_M: 2, SUBGROUPS_N: 2, ROWS: 2, COLS: 2, STEPS: 1, STAGES: 2, SWIZZLE: 4 },
};
/**
 * How much of k one sum of pairs runs through; then it is added to C, rounded to the nearest. Truncation
 * pulls a sum to 0 at every step: where all products have one sign, by 2^-16 of ‖A‖‖B‖ after 1024 on
 * hardware that cuts every addend to float32's places, by less the more places it keeps.
 */
const CHUNK = 1024;
/** Fewer tiles than cores leave cores idle, and a large GPU has 50 to 150. */
const ENOUGH_TILES = 100;

/** Products of halves, or of pairs of halves, on subgroup matrices. */
export const gemmMatrix: GemmKernel = {
  code: gemmMatrixWgsl,
  entryPoint: "gemm_matrix",
  enables:
    "enable f16; enable subgroups; enable subgroup_size_control; " +
    "enable chromium_experimental_subgroup_matrix;",
  sumsApart: true,
  parameters: {
    SUBGROUPS_M: [1, 2, 4],
    SUBGROUPS_N: [1, 2, 4],
    ROWS: [2, 4],
    COLS: [2, 4],
    STEPS: [1, 2, 4],
    STAGES: [1, 2],
    SWIZZLE: [1, 4, 8],
    CHUNK: [256, 512, 1024, 2048, 4096, 8192],
  },
  obstacle({ precision }, facts) {
    if (precision === "f32") {
      return 'subgroup matrices multiply halves: precision must be "f16" or "f32-split"';
    }
    const missing = FEATURES.filter((feature) => !facts.has(feature));
    if (missing.length > 0) {
      return (
        `the device lacks ${missing.join(", ")}` +
        (missing.includes(FEATURES[3]!) ? "; openDevice({ experimental: true }) may have it" : "")
      );
    }
    if (matrixShape(facts) === undefined) {
      return "the device has no subgroup matrices of halves that are summed in float32";
    }
    return undefined;
  },
  quads: () => ({ a: false, b: false, c: false }),
  configs(problem, facts) {
    const pairs = problem.precision === "f32-split";
    const { large, medium, small } = pairs ? SPLIT : F16;
    return [large, medium, small]
      .sort((one, other) => merit(other, problem, facts) - merit(one, problem, facts))
      .map((config) => ({
        ...config,
        ...(pairs ? { CHUNK } : {}),
        // Tiles as large as these keep a core busy one at a time.
        ...(tilesOf(config, problem, facts).count >= ENOUGH_TILES ? { splits: 1 } : {}),
      }));
  },
  setUp(config, { shape, precision }, facts) {
    const { SUBGROUPS_M = 2, SUBGROUPS_N = 2, ROWS = 2, COLS = 2, STEPS = 1, STAGES = 1 } = config;
    const matrix = matrixShape(facts) ?? { m: 16, k: 16, n: 16 };
    const { m: M, k: K, n: N } = matrix;
    const LANES = facts.largestSubgroup;
    const PLANES = precision === "f32-split" ? 2 : 1;
    const height = SUBGROUPS_M * ROWS * M;
    const width = SUBGROUPS_N * COLS * N;
    const depth = STEPS * K;
    const subgroups = SUBGROUPS_M * SUBGROUPS_N;
    const invocations = LANES * subgroups;
    const block = (side: number) => 16 * Math.max(side, K) * (Math.max(side, K) / 8 + 1);
    const blocks = SUBGROUPS_M * ROWS * block(M) + SUBGROUPS_N * COLS * block(N);
    return {
      consts: {
        M,
        N,
        K,
        LANES,
        ROWS,
        COLS,
        STEPS,
        A_LOADS: Math.ceil((height * depth) / 8 / invocations),
        B_LOADS: Math.ceil((width * depth) / 8 / invocations),
        SUBGROUPS_M,
        SUBGROUPS_N,
        STAGES,
        PLANES,
      },
      constants: { SWIZZLE: Math.min(config.SWIZZLE ?? 1, Math.ceil(shape.m / height)) },
      granule: { m: height, k: depth, n: width },
      invocations,
      sharedBytes: STAGES * PLANES * STEPS * blocks + 4 * subgroups * PLANES * M * N,
      ...(PLANES === 2 ? { longestSum: config.CHUNK ?? CHUNK } : {}),
    };
  },
  roundings(length, { precision }, facts) {
    const K = matrixShape(facts)?.k ?? 16;
    return precision === "f32-split" ? splitRoundings(length, K) : matrixRoundings(length, K);
  },
  words: matrixWords,
};

/** The matrices to use: the largest that the device has, with sides that are multiples of 8 up to 32. */
export function matrixShape(facts: KernelFacts): MatrixShape | undefined {
  const fits = (side: number) => side % 8 === 0 && side <= 32;
  const [first] = facts.subgroupMatrices
    .filter(({ component, result }) => component === "f16" && result === "f32")
    .filter(({ m, k, n }) => fits(m) && fits(k) && fits(n) && (m * n) % facts.largestSubgroup === 0)
    .sort((one, other) => other.m * other.k * other.n - one.m * one.k * one.n);
  return first && { m: first.m, k: first.k, n: first.n };
}

/**
 * Roundings on the way of a product of halves through a sum over `length` of k, each at most u. What the
 * hardware does within one step of K is its own affair: at worst it adds the products four at a time, and
 * of four products and the sum so far cuts each off at the place of the largest, which is 2·(4 + 2)u.
 */
export function matrixRoundings(length: number, K: number): number {
  return 2 * (K + 2 * Math.ceil(K / 4)) * Math.ceil(length / K);
}

/**
 * The same for pairs, 2^-21 = 8u included: the halves' magnitudes exceed the elements' by up to 2^-10, the
 * sum of the low products has a share of up to 2^-9, and adding both sums and the scale take two more.
 */
export function splitRoundings(length: number, K: number): number {
  return Math.ceil(matrixRoundings(length, K) * (1 + 2 ** -8)) + 8 + 2;
}

interface Sides {
  readonly SUBGROUPS_M: number;
  readonly SUBGROUPS_N: number;
  readonly ROWS: number;
  readonly COLS: number;
}

/** How well a configuration suits a problem: the share of its tiles that is used, large before small. */
function merit(config: Sides, problem: GemmProblem, facts: KernelFacts): number {
  const { count, height, width, used } = tilesOf(config, problem, facts);
  const busy = Math.min(1, count / ENOUGH_TILES);
  // What a tile reads for a product falls with its sides; below 64 that is what it waits for.
  const reuse = (height * width) / (height + width);
  return (used * busy * reuse) / (64 + reuse);
}

function tilesOf(config: Sides, { shape, products }: GemmProblem, facts: KernelFacts) {
  const matrix = matrixShape(facts) ?? { m: 16, n: 16 };
  const height = config.SUBGROUPS_M * config.ROWS * matrix.m;
  const width = config.SUBGROUPS_N * config.COLS * matrix.n;
  const tiles = Math.ceil(shape.m / height) * Math.ceil(shape.n / width);
  const used = (shape.m * shape.n) / (tiles * height * width);
  return { count: tiles * products, height, width, used };
}

/**
 * How the shader reads words of A and B, and what it may do to C. Octets where every row of every window
 * begins and ends at one; single words otherwise, which is slow. Matrices are stored as a whole only if
 * every binding of C is as long as one: WebGPU demands it of the shader as it stands.
 */
function matrixWords({ problem, consts, octets, shortestProduct }: WordsLayout): string {
  const pairs = problem.precision === "f32-split";
  const direct = !pairs && shortestProduct >= 4 * consts.M! * consts.N!;
  return [
    operandWords("a", pairs || octets.a),
    operandWords("b", pairs || octets.b),
    `const DIRECT = ${Number(direct)}u; fn store_whole(at: u32, sums: Result, stride: u32) {`,
    direct ? "subgroupMatrixStore<row_major>(&c, at, sums, stride); }" : "}",
    maximumOf("a", pairs ? 4 : undefined),
    maximumOf("b", pairs ? 5 : undefined),
  ].join(" ");
}

function operandWords(name: "a" | "b", octets: boolean): string {
  const elem = `Elem${name.toUpperCase()}`;
  const width = `WIDTH_${name.toUpperCase()}`;
  return octets
    ? `alias ${elem} = vec4u; const ${width} = 8u; ` +
        `fn words_${name}(word: ${elem}) -> vec4u { return word; }`
    : `alias ${elem} = u32; const ${width} = 2u; ` +
        `fn words_${name}(word: ${elem}) -> vec4u { return vec4u(word); }`;
}

function maximumOf(name: "a" | "b", binding: number | undefined): string {
  const maximum = `fn maximum_${name}(line: u32) -> u32`;
  return binding === undefined
    ? `${maximum} { return line; }`
    : `@group(0) @binding(${binding}) var<storage, read> maxima_${name}: array<u32>; ` +
        `${maximum} { return maxima_${name}[line]; }`;
}
