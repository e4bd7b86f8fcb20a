/**
 * @file What a kernel that multiplies tells the planner. Each family is one shader and one file that
 * describes it; gemm-families.ts lists them.
 */

import { isSoftware, type SubgroupMatrix, subgroupMatricesOf } from "../device/device-adapters.ts";
import type { KernelLimits } from "../tiling.ts";

/** C (m×n) = A (m×k) · B (k×n). */
export interface GemmShape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/**
 * The kernels that multiply.
 * - "naive": one element of C an invocation; the reference.
 * - "tiled": tiles in workgroup memory, a block of C in registers.
 * - "register": a block of C in registers, straight from A and B.
 * - "subgroup": rows of A held by the lanes of a subgroup and broadcast.
 * - "quad": the same for subgroups of four lanes, octets of A and B at a time; what does not lie in whole
 *   octets is copied first. For precision "f32" alone.
 * - "vector": for a B of few columns; invocations share the rows of A.
 * - "matrix": subgroup matrices (tensor cores), of halves: not for precision "f32".
 */
export type GemmFamily = "naive" | "tiled" | "register" | "subgroup" | "quad" | "vector" | "matrix";

/**
 * Named parameters of one family's kernel, such as the sides of its tiles. `splits`, which every
 * family takes, is how many parts of k are summed side by side, and added up afterwards; `pack` is 1
 * where a float32 B, whose rows begin between two quads, is copied first so that they do not.
 */
export type GemmConfig = Readonly<Record<string, number>>;

/**
 * What the operands are stored as and how exactly they are multiplied.
 * - "f32": A, B and C are float32, and so are products and sums.
 * - "f16": A and B are stored as halves (IEEE binary16); products, sums and C are float32.
 * - "f32-split": A, B and C are float32. On the way every element of A and B becomes a pair of halves, and
 *   three products of halves make one: tensor cores at nearly the exactness of float32. For the family
 *   "matrix" alone.
 */
export type GemmPrecision = "f32" | "f16" | "f32-split";

/** What a planner reads of a device: limits always, the rest where it is known. */
export interface GemmDevice {
  readonly limits: KernelLimits &
    Partial<
      Pick<
        GPUSupportedLimits,
        "maxComputeInvocationsPerWorkgroup" | "maxComputeWorkgroupStorageSize"
      >
    >;
  readonly features?: { has(name: string): boolean };
  readonly adapterInfo?: Partial<GPUAdapterInfo>;
}

/** What decides which kernel is right, besides the device. */
export interface GemmProblem {
  readonly shape: GemmShape;
  /** How many products of this shape are made together. */
  readonly products: number;
  readonly precision: GemmPrecision;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Whether an operand's rows, as stored, begin at multiples of four elements and end at them. */
  readonly aligned: { readonly a: boolean; readonly b: boolean; readonly c: boolean };
  /** Whether A and B are float32, stored as they are multiplied, and whole octets along k, n and in memory. */
  readonly octets: { readonly a: boolean; readonly b: boolean };
}

/** How one kernel is set up for one shape. */
export interface GemmSetup {
  /** Constants of the first line of the shader: sizes of register arrays cannot be overrides. */
  readonly consts: Readonly<Record<string, number>>;
  /** Values of the shader's overrides, transposition aside. */
  readonly constants: Readonly<Record<string, number>>;
  /** What one workgroup makes, m×n elements of C, and in what steps k is best cut. */
  readonly granule: GemmShape;
  readonly invocations: number;
  /** Workgroup memory. */
  readonly sharedBytes: number;
  /** The longest part of k that one sum may run through, where that is limited. */
  readonly longestSum?: number;
}

/** What decides how a kernel reads words of its operands. */
export interface WordsLayout {
  readonly problem: GemmProblem;
  readonly consts: Readonly<Record<string, number>>;
  /** Whether every row of every window begins and ends at a multiple of eight elements. */
  readonly octets: { readonly a: boolean; readonly b: boolean };
  /** Bytes of the shortest binding that products are written to. */
  readonly shortestProduct: number;
}

/** The kernel of a family's last columns, the fringe that whole tiles would mostly make in vain. Pure. */
interface GemmStripKernel {
  /** WGSL; the host replaces the first line. */
  readonly code: string;
  readonly entryPoint: string;
  /** How many columns it makes, all in one workgroup; 0 where it is not worth it. */
  columns(config: GemmConfig, problem: GemmProblem, facts: KernelFacts): number;
  /** The first line, where it is not that of the family with a C of single elements. */
  readonly prelude?: (config: GemmConfig, problem: GemmProblem) => string;
}

/** One family. All functions are pure. */
export interface GemmKernel {
  /** WGSL; the host replaces the first line. */
  readonly code: string;
  readonly entryPoint: string;
  /**
   * True where a dispatch sums its part of k by itself and then adds it to C. Otherwise sums begin with what
   * C holds, and it makes no difference, to the last bit, how k is cut.
   */
  readonly sumsApart?: boolean;
  /** True where the shader is told whether all that it reads along k comes in whole quads. */
  readonly wholeQuads?: boolean;
  /** True where A and B are read eight elements at a time: what does not lie so is copied first. */
  readonly octets?: boolean;
  /** Directives that the first line begins with. */
  readonly enables?: string;
  /** Why the device cannot run this family for this problem, whatever the configuration. */
  obstacle(problem: GemmProblem, facts: KernelFacts): string | undefined;
  /** Which matrices are read or written four elements at a time, where they are aligned. */
  quads(problem: GemmProblem): { readonly a: boolean; readonly b: boolean; readonly c: boolean };
  /** Start points for this device, the likeliest first; some may exceed its limits. */
  configs(problem: GemmProblem, facts: KernelFacts): readonly GemmConfig[];
  /** The values that a parameter of a configuration may have. */
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  setUp(config: GemmConfig, problem: GemmProblem, facts: KernelFacts): GemmSetup;
  readonly strip?: GemmStripKernel;
  /**
   * The most roundings of unit u that a product passes in a sum over `length` of k. Default: `length`, as
   * where products are added one after the other and each sum is rounded to the nearest.
   */
  readonly roundings?: (length: number, problem: GemmProblem, facts: KernelFacts) => number;
  /** The end of the first line, where a kernel reads words in its own way. Default: gemm-elements.ts. */
  readonly words?: (layout: WordsLayout) => string;
}

/** A device as the families see it. */
export interface KernelFacts {
  readonly vendor: string;
  readonly architecture: string;
  /** True where the "GPU" is the CPU. */
  readonly software: boolean;
  /** The size of every subgroup; undefined where there are none or their size varies. */
  readonly lanes: number | undefined;
  /** The size of the largest subgroup; 0 where it is not known. */
  readonly largestSubgroup: number;
  /** What subgroup matrices can multiply. */
  readonly subgroupMatrices: readonly SubgroupMatrix[];
  readonly maxInvocations: number;
  readonly maxSharedBytes: number;
  readonly has: (feature: string) => boolean;
}

/** What WebGPU promises of every device. */
const LEAST_INVOCATIONS = 256;
const LEAST_SHARED_BYTES = 16_384;

/** Reads a device, or whatever stands for one in a test. */
export function kernelFacts({ limits, features, adapterInfo = {} }: GemmDevice): KernelFacts {
  const { vendor = "", architecture = "" } = adapterInfo;
  const { subgroupMinSize = 0, subgroupMaxSize = 0 } = adapterInfo;
  const fixed = subgroupMinSize > 0 && subgroupMinSize === subgroupMaxSize;
  return {
    vendor,
    architecture,
    software: isSoftware(adapterInfo),
    lanes: features?.has("subgroups") && fixed ? subgroupMinSize : undefined,
    largestSubgroup: subgroupMaxSize,
    subgroupMatrices: subgroupMatricesOf(adapterInfo),
    maxInvocations: limits.maxComputeInvocationsPerWorkgroup ?? LEAST_INVOCATIONS,
    maxSharedBytes: limits.maxComputeWorkgroupStorageSize ?? LEAST_SHARED_BYTES,
    has: (feature) => features?.has(feature) ?? false,
  };
}
