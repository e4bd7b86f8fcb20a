import type { GemmShape } from "./gemm-family.ts";
import {
  type BindingWindow,
  fitPart,
  type KernelLimits,
  type Span,
  type StoredMatrix,
  spanLength,
  split,
  windowCapacity,
  windowOf,
} from "./tiling.ts";

/** One dispatch: the part `k` of the inner dimension, for rows `m` and columns `n` of C. */
export interface GemmTile {
  readonly m: Span;
  readonly k: Span;
  readonly n: Span;
  /** Which products of the batch. */
  readonly products: Span;
  readonly a: BindingWindow;
  readonly b: BindingWindow;
  readonly c: BindingWindow;
  readonly workgroups: readonly [number, number, number];
  /** True when the tile adds to what C holds. */
  readonly accumulate: boolean;
  /** How the tile's part of k is summed in slices, where it is. */
  readonly slices?: GemmSlices;
}

/**
 * Slices of k, summed side by side into memory of their own and then added up in order. Slice s of
 * product p begins at element (p·count + s)·m·rowStride of it.
 */
export interface GemmSlices {
  readonly count: number;
  /** Elements of k in every slice but the last; a multiple of 8. */
  readonly length: number;
  readonly rowStride: number;
  /** Workgroups of the sum: along n, m and the products. */
  readonly workgroups: readonly [number, number, number];
}

type Dimension = keyof GemmShape;

/** A matrix as stored, and which dimension of the product its rows and columns are. */
interface Operand {
  readonly stored: StoredMatrix;
  readonly rows: Dimension;
  readonly cols: Dimension;
}

export interface Operands {
  readonly a: Operand;
  readonly b: Operand;
  readonly c: Operand;
}

interface Cut {
  readonly products: number;
  /** What one workgroup makes. */
  readonly granule: GemmShape;
  /** Into how many slices k is to be cut. */
  readonly splits: number;
  readonly accumulate: boolean;
  readonly maxFlops: number;
  readonly limits: KernelLimits;
  /** The longest part of k that one sum may run through. */
  readonly longestSum: number;
  /** The most roundings in a sum over a part of k, where that is not its length. */
  readonly roundings: ((length: number) => number) | undefined;
}

/** Invocations of a workgroup of `shaders/gemm_reduce.wgsl`. */
export const REDUCE_WORKGROUP = 64;

/** Cuts a product into dispatches that keep to every limit of the device and of the caller. */
export function cutTiles(
  shape: GemmShape,
  operands: Operands,
  cut: Cut,
): {
  readonly tiles: readonly GemmTile[];
  readonly scratchBytes: number;
  readonly roundings: number;
} {
  const { granule, limits } = cut;
  const largest = fitTile(shape, operands, cut);
  const together = productsTogether(largest, operands, cut);
  const depths = split(shape.k, largest.k, granule.k);
  const sliced = sliceLength(largest, together, cut);
  const tiles: GemmTile[] = [];
  for (const products of split(cut.products, together)) {
    for (const m of split(shape.m, largest.m, granule.m)) {
      for (const n of split(shape.n, largest.n, granule.n)) {
        for (const k of depths) {
          const spans = { m, k, n };
          const window = ({ stored, rows, cols }: Operand) =>
            windowOf(stored, { rows: spans[rows], cols: spans[cols], items: products }, limits);
          const slices = slicesOf(spans, products, sliced);
          tiles.push({
            ...spans,
            products,
            a: window(operands.a),
            b: window(operands.b),
            c: window(operands.c),
            workgroups: [
              Math.ceil(n.count / granule.n),
              Math.ceil(m.count / granule.m),
              products.count * (slices?.count ?? 1),
            ],
            accumulate: cut.accumulate || k.first > 0,
            ...(slices ? { slices } : {}),
          });
        }
      }
    }
  }
  const most = Math.max(...tiles.map((tile) => tile.slices?.count ?? 1));
  const inSlice = Math.min(sliced ?? shape.k, largest.k);
  const additions = most - 1 + (depths.length - 1);
  const roundings = cut.roundings
    ? cut.roundings(inSlice) + additions
    : most === 1
      ? shape.k
      : Math.min(shape.k, inSlice + additions);
  return { tiles, scratchBytes: Math.max(...tiles.map(scratchBytesOf)), roundings };
}

/** Bytes that the slices of a tile take until they are added up. */
function scratchBytesOf({ m, products, slices }: GemmTile): number {
  return slices ? 4 * products.count * slices.count * m.count * slices.rowStride : 0;
}

/** The largest tile, m×k×n, that keeps to every limit of the device and of the caller. */
function fitTile(
  shape: GemmShape,
  operands: Operands,
  { granule, limits, maxFlops, longestSum }: Cut,
): GemmShape {
  const tile = { ...shape, k: Math.min(shape.k, longestSum) };
  tile.m = Math.min(tile.m, limits.maxComputeWorkgroupsPerDimension * granule.m);
  tile.n = Math.min(tile.n, limits.maxComputeWorkgroupsPerDimension * granule.n);

  // C, the costliest to revisit, chooses first; what a later operand gives up only shrinks the
  // windows of those before it.
  for (const { stored, rows, cols } of [operands.c, operands.a, operands.b]) {
    const capacity = windowCapacity(limits, stored.elementBytes);
    const part = fitPart({ rows: tile[rows], cols: tile[cols] }, stored.rowStride, capacity);
    tile[rows] = part.rows;
    tile[cols] = part.cols;
  }

  // k last: cutting it reads and writes C once more.
  for (const dimension of ["m", "n", "k"] as const) {
    const flopsPerUnit = (2 * tile.m * tile.k * tile.n) / tile[dimension];
    const affordable = Math.max(granule[dimension], Math.floor(maxFlops / flopsPerUnit));
    tile[dimension] = Math.min(tile[dimension], affordable);
  }
  return tile;
}

/** How many products one dispatch makes: as many as fit a binding, and the work that is allowed. */
function productsTogether(tile: GemmShape, operands: Operands, cut: Cut): number {
  const { limits, maxFlops, products } = cut;
  let together = Math.min(products, limits.maxComputeWorkgroupsPerDimension);
  together = Math.min(together, Math.floor(maxFlops / (2 * tile.m * tile.k * tile.n)));
  for (const { stored, rows, cols } of Object.values(operands) as Operand[]) {
    const stride = stored.batch?.stride ?? 0;
    if (stride === 0) continue;
    const free =
      windowCapacity(limits, stored.elementBytes) -
      spanLength(tile[rows], tile[cols], stored.rowStride);
    together = Math.min(together, Math.floor(free / stride) + 1);
  }
  return Math.max(1, together);
}

/** The length of a slice of k; undefined where one slice is all of it. */
function sliceLength(tile: GemmShape, products: number, cut: Cut): number | undefined {
  const { limits, splits } = cut;
  const elements = products * tile.m * roundUp(tile.n, 4);
  const most = Math.min(
    splits,
    Math.floor(limits.maxComputeWorkgroupsPerDimension / products),
    Math.floor(windowCapacity(limits) / elements),
  );
  const rowsFit = tile.m <= limits.maxComputeWorkgroupsPerDimension;
  const colsFit = tile.n <= limits.maxComputeWorkgroupsPerDimension * REDUCE_WORKGROUP;
  if (most < 2 || !rowsFit || !colsFit) return undefined;
  const length = roundUp(Math.ceil(tile.k / most), 8);
  return length < tile.k ? length : undefined;
}

function slicesOf(
  { m, k, n }: { readonly m: Span; readonly k: Span; readonly n: Span },
  products: Span,
  length: number | undefined,
): GemmSlices | undefined {
  if (length === undefined || k.count <= length) return undefined;
  return {
    count: Math.ceil(k.count / length),
    length,
    rowStride: roundUp(n.count, 4),
    workgroups: [Math.ceil(n.count / REDUCE_WORKGROUP), m.count, products.count],
  };
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
