import { InputError } from "../core/errors.ts";
import { chooseFamily, type GemmFamily, type GemmShape, gemmKernels } from "./gemm-families.ts";
import {
  type BindingWindow,
  fitPart,
  type KernelLimits,
  type LimitedDevice,
  requireCount,
  requireStored,
  type Span,
  type StoredMatrix,
  split,
  windowCapacity,
  windowOf,
} from "./tiling.ts";

/** How a GEMM is to be planned. Every field is optional. */
export interface GemmOptions {
  /** Of operands, arithmetic and product. */
  readonly precision?: "f32";
  /** A is stored k×m. Default false. */
  readonly transposeA?: boolean;
  /** B is stored n×k. Default false. */
  readonly transposeB?: boolean;
  /** The kernel; "auto", the default, chooses by shape. */
  readonly family?: "auto" | GemmFamily;
  /** Elements between the rows of each matrix as stored. Default: its columns, no gaps. */
  readonly strides?: { readonly a?: number; readonly b?: number; readonly c?: number };
  /** Elements before the first of each matrix in its buffer. Default 0. */
  readonly offsets?: { readonly a?: number; readonly b?: number; readonly c?: number };
  /** C += A·B instead of C = A·B. Default false. */
  readonly accumulate?: boolean;
  /**
   * At most this many floating-point operations (2·m·k·n) in one dispatch, and never fewer than one
   * workgroup does at a time: short dispatches keep a slow device responsive. Default: no limit.
   */
  readonly maxFlopsPerPass?: number;
}

/** Everything that is decided about one GEMM before a device is touched. Plain data. */
export interface GemmPlan {
  readonly shape: GemmShape;
  readonly precision: "f32";
  readonly family: GemmFamily;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly accumulate: boolean;
  /** Values of the shader's overrides. */
  readonly constants: Readonly<Record<string, number>>;
  /** The matrices as they lie in their buffers. */
  readonly a: StoredMatrix;
  readonly b: StoredMatrix;
  readonly c: StoredMatrix;
  /** One dispatch each, to be run in this order. */
  readonly tiles: readonly GemmTile[];
}

/** One dispatch: the part `k` of the inner dimension, for rows `m` and columns `n` of C. */
export interface GemmTile {
  readonly m: Span;
  readonly k: Span;
  readonly n: Span;
  readonly a: BindingWindow;
  readonly b: BindingWindow;
  readonly c: BindingWindow;
  readonly workgroups: readonly [number, number, number];
  /** True when the tile adds to what C holds. */
  readonly accumulate: boolean;
}

type Dimension = keyof GemmShape;

/** A matrix as stored, and which dimension of the product its rows and columns are. */
interface Operand {
  readonly stored: StoredMatrix;
  readonly rows: Dimension;
  readonly cols: Dimension;
}

/**
 * Chooses kernel and tiles for one product under a device's limits. Pure: reads `device.limits` and
 * nothing else, so any limits can be tried without a device.
 *
 * A matrix longer than `maxStorageBufferBindingSize` is covered by windows of its buffer; where k is
 * cut, the later tiles add to C, so every element is still one sum in order of k and the error bound
 * is that of a single dispatch.
 *
 * @throws {ShapeError} when a dimension is no positive integer or a stride is shorter than its row.
 * @throws {InputError} when an offset or another option is out of range.
 * @throws {DeviceLimitError} when a matrix exceeds any buffer of the device.
 */
export function planGemm(
  shape: GemmShape,
  device: LimitedDevice,
  options: GemmOptions = {},
): GemmPlan {
  requireCount("m", shape.m);
  requireCount("k", shape.k);
  requireCount("n", shape.n);
  requireKnownOptions(options);
  const { m, k, n } = shape;
  const { limits } = device;
  const { transposeA = false, transposeB = false, accumulate = false } = options;
  const family =
    options.family === undefined || options.family === "auto"
      ? chooseFamily(shape)
      : options.family;

  const place = (name: "a" | "b" | "c", rows: Dimension, cols: Dimension): Operand => {
    const rowStride = options.strides?.[name] ?? shape[cols];
    const offset = options.offsets?.[name] ?? 0;
    const stored = { rows: shape[rows], cols: shape[cols], rowStride, offset };
    requireStored(name, stored, limits);
    return { stored, rows, cols };
  };
  const a = transposeA ? place("a", "k", "m") : place("a", "m", "k");
  const b = transposeB ? place("b", "n", "k") : place("b", "k", "n");
  const c = place("c", "m", "n");

  const { constants, granule } = gemmKernels[family].setUp(shape);
  const largest = fitTile({ shape, operands: [c, a, b], granule, limits, options });
  const tiles: GemmTile[] = [];
  for (const rows of split(m, largest.m, granule.m)) {
    for (const cols of split(n, largest.n, granule.n)) {
      for (const inner of split(k, largest.k, granule.k)) {
        const spans = { m: rows, k: inner, n: cols };
        const window = ({ stored, ...dimensions }: Operand) =>
          windowOf(stored, { rows: spans[dimensions.rows], cols: spans[dimensions.cols] }, limits);
        tiles.push({
          ...spans,
          a: window(a),
          b: window(b),
          c: window(c),
          workgroups: [Math.ceil(cols.count / granule.n), Math.ceil(rows.count / granule.m), 1],
          accumulate: accumulate || inner.first > 0,
        });
      }
    }
  }
  return {
    shape: { m, k, n },
    precision: "f32",
    family,
    transposeA,
    transposeB,
    accumulate,
    constants: { ...constants, TRANSPOSE_A: Number(transposeA), TRANSPOSE_B: Number(transposeB) },
    a: a.stored,
    b: b.stored,
    c: c.stored,
    tiles,
  };
}

/** The largest tile, m×k×n, that keeps to every limit of the device and of the caller. */
function fitTile(job: {
  readonly shape: GemmShape;
  readonly operands: readonly Operand[];
  readonly granule: GemmShape;
  readonly limits: KernelLimits;
  readonly options: GemmOptions;
}): GemmShape {
  const { granule, limits } = job;
  const tile = { ...job.shape };
  tile.m = Math.min(tile.m, limits.maxComputeWorkgroupsPerDimension * granule.m);
  tile.n = Math.min(tile.n, limits.maxComputeWorkgroupsPerDimension * granule.n);

  // C, the costliest to revisit, chooses first; what a later operand gives up only shrinks the
  // windows of those before it.
  const capacity = windowCapacity(limits);
  for (const { stored, rows, cols } of job.operands) {
    const part = fitPart({ rows: tile[rows], cols: tile[cols] }, stored.rowStride, capacity);
    tile[rows] = part.rows;
    tile[cols] = part.cols;
  }

  const maxFlops = job.options.maxFlopsPerPass ?? Number.POSITIVE_INFINITY;
  // k last: cutting it reads and writes C once more.
  for (const dimension of ["m", "n", "k"] as const) {
    const flopsPerUnit = (2 * tile.m * tile.k * tile.n) / tile[dimension];
    const affordable = Math.max(granule[dimension], Math.floor(maxFlops / flopsPerUnit));
    tile[dimension] = Math.min(tile[dimension], affordable);
  }
  return tile;
}

function requireKnownOptions(options: GemmOptions): void {
  const { precision = "f32", family = "auto", maxFlopsPerPass = 1 } = options;
  if (precision !== "f32") {
    throw new InputError(`precision must be "f32", got ${String(precision)}`);
  }
  if (family !== "auto" && !Object.hasOwn(gemmKernels, family)) {
    const known = ["auto", ...Object.keys(gemmKernels)].join(", ");
    throw new InputError(`family must be one of ${known}, got ${String(family)}`);
  }
  if (!(maxFlopsPerPass > 0)) {
    throw new InputError(`maxFlopsPerPass must be positive, got ${String(maxFlopsPerPass)}`);
  }
}
