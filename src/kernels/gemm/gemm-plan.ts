import { DeviceLimitError, InputError, ShapeError } from "../../core/errors.ts";
import { planSplit, type SplitPlan, wholeOctets } from "../halves/halves-split.ts";
import {
  extentBytes,
  type KernelLimits,
  requireCount,
  requireStored,
  type StoredMatrix,
} from "../tiling.ts";
import { type GemmCandidate, gemmBucket } from "../tuning/tuning.ts";
import { candidatesFor, choosePack, chooseSplits, settle } from "./gemm-choice.ts";
import { type GemmCopies, onCopies, planCopies, requireCopied } from "./gemm-copies.ts";
import { gemmPrelude, operandBytes } from "./gemm-elements.ts";
import { gemmKernels } from "./gemm-families.ts";
import {
  type GemmConfig,
  type GemmDevice,
  type GemmFamily,
  type GemmKernel,
  type GemmPrecision,
  type GemmProblem,
  type GemmShape,
  type KernelFacts,
  kernelFacts,
} from "./gemm-family.ts";
import { type GemmOptions, requireKnownOptions } from "./gemm-options.ts";
import { cutTiles, type GemmTile, type Operands } from "./gemm-tiles.ts";

/** Everything that is decided about one GEMM before a device is touched. Plain data. */
export interface GemmPlan {
  readonly shape: GemmShape;
  readonly precision: GemmPrecision;
  readonly family: GemmFamily;
  readonly config: GemmConfig;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly accumulate: boolean;
  /** How many products of the shape are made. */
  readonly products: number;
  /** The shader's first line. */
  readonly prelude: string;
  /** The kernel that makes the tiles of the last few columns, where there is one. */
  readonly strip?: { readonly prelude: string };
  /** Values of the shader's overrides. */
  readonly constants: Readonly<Record<string, number>>;
  /** The matrices as they lie in their buffers. */
  readonly a: StoredMatrix;
  readonly b: StoredMatrix;
  readonly c: StoredMatrix;
  /** One dispatch each, and one more where k is sliced, to be run in this order. */
  readonly tiles: readonly GemmTile[];
  /** Memory for slices of k until they are added up; 0 where nothing is sliced. */
  readonly scratchBytes: number;
  /**
   * How A and B become pairs of halves, which the tiles then read in their place: with the precision
   * "f32-split" alone.
   */
  readonly split?: { readonly a: SplitPlan; readonly b: SplitPlan };
  /** Copies of A or B that the tiles read in their place, where rows do not lie as the kernel reads them. */
  readonly copies?: GemmCopies;
  /**
   * The most roundings on the way of any product a·b into C: each element of Ĉ is within
   * γ_roundings |A||B| of A·B; with "f32-split" within k·2^-36 μ_i ν_j more, μ_i being the largest
   * |element| of row i of A and ν_j that of column j of B.
   */
  readonly roundings: number;
}

/**
 * Chooses kernel and tiles for one product, or for a batch of one shape, under a device's limits. Pure:
 * reads `limits`, `features` and `adapterInfo` and nothing else, so any device can be tried without one.
 *
 * A matrix longer than `maxStorageBufferBindingSize` is covered by windows of its buffer; where k is
 * cut, the later tiles add to C. Where a product has too few workgroups for the device, k is summed in
 * slices side by side, which are then added up in a fixed order: the same inputs give the same bits.
 *
 * @throws {ShapeError} when a dimension is no positive integer, a stride is shorter than its row, or
 *   the products of a batch overlap.
 * @throws {InputError} when an offset or another option is out of range.
 * @throws {DeviceLimitError} when a matrix exceeds any buffer of the device, or the device cannot run
 *   the family, the configuration or the precision that is demanded.
 */
export function planGemm(
  shape: GemmShape,
  device: GemmDevice,
  options: GemmOptions = {},
): GemmPlan {
  const job = readJob(shape, device, options);
  const { m, k, n } = shape;
  const { given, problem, operands, split } = job;
  const { transposeA = false, transposeB = false, accumulate = false } = options;
  const { family, config, setup, kernel, cut, copies } = chooseLayout(job);
  const { scratchBytes, roundings } = cut;
  const tiles = split ? onOctets(cut.tiles) : onCopies(cut.tiles, copies);

  // Where a window happens to begin between two vectors, its matrix is read element by element.
  const vectors = (name: "a" | "b" | "c") =>
    (problem.aligned[name] || (name !== "c" && copies[name] !== undefined)) &&
    tiles.every((tile) => tile[name].base % 4 === 0);
  const fit = kernel.quads(problem);
  const quads = {
    a: fit.a && vectors("a"),
    b: fit.b && vectors("b"),
    c: fit.c && vectors("c"),
  };
  const layout = {
    problem,
    octets: { a: inOctets("a", operands, tiles), b: inOctets("b", operands, tiles) },
    shortestProduct: tiles
      .map((tile) => (tile.slices ? scratchBytes : tile.c.sizeBytes))
      .reduce((shortest, bytes) => Math.min(shortest, bytes)),
  };
  const transposes = kernel.octets
    ? {}
    : { TRANSPOSE_A: Number(transposeA), TRANSPOSE_B: Number(transposeB) };
  const rows = kernel.wholeQuads && { WHOLE_QUADS_OF_K: Number(quads.a || copies.b !== undefined) };
  const words = { family, setup, precision: problem.precision, layout };
  const stripPrelude = () =>
    kernel.strip?.prelude?.(config, problem) ??
    gemmPrelude({ ...words, quads: { ...quads, c: false } });
  return {
    shape: { m, k, n },
    precision: problem.precision,
    family,
    config,
    transposeA,
    transposeB,
    accumulate,
    products: problem.products,
    prelude: gemmPrelude({ ...words, quads }),
    constants: { ...setup.constants, ...transposes, ...rows },
    a: given.a.stored,
    b: given.b.stored,
    c: given.c.stored,
    tiles,
    scratchBytes,
    ...(split ? { split } : {}),
    ...(tiles.some((tile) => tile.strip) ? { strip: { prelude: stripPrelude() } } : {}),
    ...(copies.a || copies.b ? { copies } : {}),
    roundings,
  };
}

/** What is asked for, before a kernel is chosen. */
interface Job {
  readonly shape: GemmShape;
  readonly options: GemmOptions;
  readonly limits: KernelLimits;
  readonly facts: KernelFacts;
  readonly problem: GemmProblem;
  /** The matrices as the caller stores them, and as tiles read them where they are split into pairs. */
  readonly given: Operands;
  readonly operands: Operands;
  readonly split: GemmPlan["split"];
}

function readJob(shape: GemmShape, device: GemmDevice, options: GemmOptions): Job {
  requireShape(shape);
  requireKnownOptions(options);
  if (typeof device?.limits !== "object") {
    throw new InputError(`device must be a GPUDevice, or have its limits, got ${String(device)}`);
  }
  const { limits } = device;
  const given = place(shape, limits, options);
  const split = options.precision === "f32-split" ? planPairs(given, options, limits) : undefined;
  return {
    shape,
    options,
    limits,
    facts: kernelFacts(device),
    problem: problemOf(shape, given, options),
    given,
    operands: split ? asPairs(given, split) : given,
    split,
  };
}

/** A kernel with its tiles and copies. */
interface Layout extends ReturnType<typeof settle> {
  readonly kernel: GemmKernel;
  readonly cut: ReturnType<typeof cutTiles>;
  readonly copies: GemmCopies;
}

/** The caller's choice, what tuning found, or the first of the planner's that can read the operands. */
function chooseLayout(job: Job): Layout {
  const { shape, options, problem, facts } = job;
  const { family = "auto" } = options;
  const wish = {
    family: family === "auto" ? undefined : family,
    config: options.config,
    tuned: options.tuned?.choices?.[gemmBucket(shape, options)],
  };
  const first = settle(problem, facts, wish);
  let layout = layOut(job, first);
  if (typeof layout === "string" && family === "auto") {
    layout = layOut(
      job,
      settle(problem, facts, { ...wish, tuned: undefined, except: first.family }),
    );
  }
  if (typeof layout === "string") throw new DeviceLimitError(layout);
  return layout;
}

/** @returns why the kernel cannot read the operands, where it cannot. */
function layOut(job: Job, choice: ReturnType<typeof settle>): Layout | string {
  const { shape, options, problem, facts, limits, given, operands } = job;
  const { family, config, setup } = choice;
  const { products } = problem;
  const { granule } = setup;
  const kernel = gemmKernels[family];
  const cut = cutTiles(shape, operands, {
    products,
    granule,
    stripCols: kernel.strip?.columns(config, problem, facts) ?? 0,
    splits: config.splits ?? chooseSplits(shape, { products, granule, facts }),
    accumulate: options.accumulate ?? false,
    maxFlops: options.maxFlopsPerPass ?? Number.POSITIVE_INFINITY,
    limits,
    longestSum: setup.longestSum ?? Number.POSITIVE_INFINITY,
    sumsApart: kernel.sumsApart ?? false,
    roundings: kernel.roundings && ((length) => kernel.roundings!(length, problem, facts)),
  });
  const pack = (config.pack ?? choosePack(family, problem, facts)) === 1;
  const asked = { family, kernel, operands: given, problem, tiles: cut.tiles, pack, limits };
  const copies = planCopies(asked);
  if (typeof copies === "string") return copies;
  if (options.config?.pack === 1) requireCopied(asked, copies);
  return { ...choice, kernel, cut, copies };
}

/** Each row of A and each column of B as the product has them gets a scale of its own. */
function planPairs(given: Operands, options: GemmOptions, limits: KernelLimits) {
  const { transposeA = false, transposeB = false } = options;
  return {
    a: planSplit("a", given.a.stored, transposeA ? "columns" : "rows", limits),
    b: planSplit("b", given.b.stored, transposeB ? "rows" : "columns", limits),
  };
}

/** The operands as the tiles of a plan read them: pairs of halves. */
function asPairs(given: Operands, split: NonNullable<GemmPlan["split"]>): Operands {
  return {
    a: { ...given.a, stored: split.a.halves },
    b: { ...given.b, stored: split.b.halves },
    c: given.c,
  };
}

/**
 * Tiles on pairs, whose windows must begin and end at octets.
 *
 * @throws {DeviceLimitError} when bindings are so short that k had to be cut within one.
 */
function onOctets(tiles: readonly GemmTile[]): readonly GemmTile[] {
  return tiles.map((tile) => {
    if (tile.a.base % 8 !== 0 || tile.b.base % 8 !== 0) {
      throw new DeviceLimitError("pairs of halves need bindings longer than a tile is wide");
    }
    return { ...tile, a: wholeOctets(tile.a), b: wholeOctets(tile.b) };
  });
}

/** Whether all rows of an operand that tiles read begin and end at multiples of eight elements. */
function inOctets(name: "a" | "b", operands: Operands, tiles: readonly GemmTile[]): boolean {
  const { cols, rowStride, offset, batch } = operands[name].stored;
  const windows = tiles.flatMap((tile) => [tile[name].base, tile.slices?.length ?? 0]);
  const counts = [cols, rowStride, offset, batch?.stride ?? 0, ...windows];
  return counts.every((count) => count % 8 === 0);
}

/**
 * Every family and configuration that a device can run for a shape: the planner's own choice first, then
 * by expected merit. Pure. What an autotuner measures, and what an exhaustive sweep compares.
 *
 * @throws what `planGemm` throws for the same arguments.
 */
export function gemmCandidates(
  shape: GemmShape,
  device: GemmDevice,
  options: GemmOptions = {},
): readonly GemmCandidate[] {
  const job = readJob(shape, device, options);
  const { problem, facts } = job;
  return candidatesFor(problem, facts).filter(({ family, config }) => {
    const choice = settle(problem, facts, { family, config, tuned: undefined });
    return typeof layOut({ ...job, options: { ...options, config } }, choice) !== "string";
  });
}

function requireShape(shape: GemmShape): void {
  if (typeof shape !== "object" || shape === null) {
    throw new ShapeError(`shape must be { m, k, n }, got ${String(shape)}`);
  }
  requireCount("m", shape.m);
  requireCount("k", shape.k);
  requireCount("n", shape.n);
}

/** Where the matrices lie, as the options say, checked. */
function place(shape: GemmShape, limits: KernelLimits, options: GemmOptions): Operands {
  const { transposeA = false, transposeB = false, precision = "f32", batch } = options;
  const one = (
    name: "a" | "b" | "c",
    rows: keyof GemmShape,
    cols: keyof GemmShape,
    elementBytes: 4 | 2,
  ) => {
    const rowStride = options.strides?.[name] ?? shape[cols];
    const offset = options.offsets?.[name] ?? 0;
    const layout = { rows: shape[rows], cols: shape[cols], rowStride, offset };
    const single = elementBytes === 4 ? layout : { ...layout, elementBytes };
    requireStored(name, single, limits);
    if (!batch) return { stored: single, rows, cols };
    const stride = batch.strides?.[name] ?? shape[rows] * rowStride;
    requireBatchStride(name, stride, single);
    const stored = { ...single, batch: { count: batch.count, stride } };
    requireStored(name, stored, limits);
    return { stored, rows, cols };
  };
  const bytes = operandBytes(precision);
  return {
    a: transposeA ? one("a", "k", "m", bytes) : one("a", "m", "k", bytes),
    b: transposeB ? one("b", "n", "k", bytes) : one("b", "k", "n", bytes),
    c: one("c", "m", "n", 4),
  };
}

function requireBatchStride(name: "a" | "b" | "c", stride: number, stored: StoredMatrix): void {
  const length = extentBytes({ ...stored, offset: 0, elementBytes: 4 }) / 4;
  const shared = stride === 0 && name !== "c";
  if (!Number.isSafeInteger(stride) || (!shared && stride < length)) {
    throw new ShapeError(
      `batch.strides.${name} must be an integer of at least ${length}` +
        `${name === "c" ? "" : ", or 0"}, got ${stride}`,
    );
  }
}

function problemOf(shape: GemmShape, operands: Operands, options: GemmOptions): GemmProblem {
  const { transposeA = false, transposeB = false, precision = "f32", batch } = options;
  const multiples = (step: number, { cols, rowStride, offset, batch: items }: StoredMatrix) =>
    [cols, rowStride, offset, items?.stride ?? 0].every((count) => count % step === 0);
  const aligned = (stored: StoredMatrix) => multiples(4, stored);
  const plain = precision === "f32" && shape.k % 8 === 0;
  return {
    shape,
    products: batch?.count ?? 1,
    precision,
    transposeA,
    transposeB,
    aligned: {
      a: aligned(operands.a.stored),
      b: aligned(operands.b.stored),
      c: aligned(operands.c.stored),
    },
    octets: {
      a: plain && !transposeA && multiples(8, operands.a.stored),
      b: plain && !transposeB && multiples(8, operands.b.stored),
    },
  };
}
