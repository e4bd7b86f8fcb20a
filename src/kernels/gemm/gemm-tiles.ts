import { DeviceLimitError } from "../../core/errors.ts";
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
} from "../tiling.ts";
import type { GemmShape } from "./gemm-family.ts";

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
  /** True where the plan's strip makes the tile. */
  readonly strip?: true;
  /** How the tile's part of k is summed in slices, where it is. */
  readonly slices?: GemmSlices;
}

/**
 * Slices of k, summed side by side into memory of their own. Slice s of product p begins at element
 * (p·total + s)·m·rowStride of it. The tile with the last part of k adds all of them up in order.
 */
export interface GemmSlices {
  /** The first slice of this dispatch, and how many it makes. */
  readonly first: number;
  readonly count: number;
  /** Slices of all of k. */
  readonly total: number;
  /** Elements of k in every slice but the last; a multiple of 8. */
  readonly length: number;
  readonly rowStride: number;
  /** Workgroups of the sum along n, m and the products; with the last part of k alone. */
  readonly sum?: readonly [number, number, number];
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
  /** How many of the last columns a kernel of their own makes, one workgroup all of them; or 0. */
  readonly stripCols: number;
  /** Into how many slices k is to be cut. */
  readonly splits: number;
  readonly accumulate: boolean;
  readonly maxFlops: number;
  readonly limits: KernelLimits;
  /** The longest part of k that one sum may run through. */
  readonly longestSum: number;
  /** True where a dispatch sums its part of k by itself before it is added to C. */
  readonly sumsApart: boolean;
  /** The most roundings in a sum over a part of k, where that is not its length. */
  readonly roundings: ((length: number) => number) | undefined;
}

/** Invocations of a workgroup of `shaders/gemm_reduce.wgsl`. */
export const REDUCE_WORKGROUP = 64;

/** More dispatches than this are a mistake: each costs memory and time on the host. */
const MOST_TILES = 100_000;

/**
 * Cuts a product into dispatches that keep to every limit of the device and of the caller. In which sums
 * an element of C is made depends on shape, layout and limits, and never on `maxFlops`: so the same
 * inputs give the same bits, however finely a caller has the work cut.
 *
 * @throws {DeviceLimitError} when there would be more than 100 000 dispatches.
 */
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
  const fitting = fitLimits(shape, operands, cut);
  const sliceLength = sliceLengthOf(shape, fitting, operands, cut);
  const longest = Math.min(fitting.k, cut.longestSum);
  const unit = sliceLength ?? (cut.sumsApart ? longest : undefined);
  const largest = fitWork({ ...fitting, k: sliceLength ? fitting.k : longest }, unit, cut);
  const together = productsTogether(largest, operands, cut);

  const spans = {
    products: split(cut.products, together),
    m: split(shape.m, largest.m, granule.m),
    n: columnSpans(shape.n, largest.n, cut),
    k: split(shape.k, largest.k, sliceLength ?? granule.k),
  };
  requireFew(spans);
  const tiles: GemmTile[] = [];
  for (const products of spans.products) {
    for (const m of spans.m) {
      for (const n of spans.n) {
        for (const k of spans.k) {
          const at = { m, k, n };
          const window = ({ stored, rows, cols }: Operand) =>
            windowOf(stored, { rows: at[rows], cols: at[cols], items: products }, limits);
          const slices =
            sliceLength === undefined ? undefined : slicesOf(shape.k, at, products, sliceLength);
          tiles.push({
            ...at,
            n: { first: n.first, count: n.count },
            ...(n.strip ? { strip: true } : {}),
            products,
            a: window(operands.a),
            b: window(operands.b),
            c: window(operands.c),
            workgroups: [
              n.strip ? 1 : Math.ceil(n.count / granule.n),
              Math.ceil(m.count / granule.m),
              products.count * (slices?.count ?? 1),
            ],
            accumulate: cut.accumulate || (k.first > 0 && !slices),
            ...(slices ? { slices } : {}),
          });
        }
      }
    }
  }
  return {
    tiles,
    scratchBytes: tiles.reduce((most, tile) => Math.max(most, scratchBytesOf(tile)), 0),
    roundings: roundingsOf(shape.k, unit, cut),
  };
}

/** Spans of the columns: whole tiles, then the strip. */
function columnSpans(
  total: number,
  most: number,
  { granule, stripCols }: Cut,
): (Span & { readonly strip?: true })[] {
  if (stripCols === 0 || stripCols > most) return split(total, most, granule.n);
  const whole = total - stripCols;
  const last = { first: whole, count: stripCols, strip: true } as const;
  return whole === 0 ? [last] : [...split(whole, most, granule.n), last];
}

/**
 * The most roundings on the way of a product a·b into C: in its own sum, and one for every other sum that
 * is added to it. Where a sum begins with what C holds, all of k is one sum.
 */
function roundingsOf(k: number, unit: number | undefined, { roundings }: Cut): number {
  if (unit === undefined) return roundings?.(k) ?? k;
  const additions = Math.ceil(k / unit) - 1;
  return roundings
    ? roundings(Math.min(k, unit)) + additions
    : Math.min(k, Math.min(k, unit) + additions);
}

function requireFew(spans: Readonly<Record<string, readonly Span[]>>): void {
  const count = Object.values(spans).reduce((product, { length }) => product * length, 1);
  if (count > MOST_TILES) {
    throw new DeviceLimitError(
      `the product takes ${count} dispatches; the most is ${MOST_TILES}: ` +
        "raise maxFlopsPerPass, or cut the product into smaller ones",
    );
  }
}

/** Bytes that the slices of a tile take until they are added up. */
function scratchBytesOf({ m, products, slices }: GemmTile): number {
  return slices ? 4 * products.count * slices.total * m.count * slices.rowStride : 0;
}

/** The largest tile, m×k×n, that keeps to the limits of the device. */
function fitLimits(shape: GemmShape, operands: Operands, { granule, limits }: Cut): GemmShape {
  const tile = { ...shape };
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
  return tile;
}

/** The largest part of `tile` that keeps to the caller's limit of work; of k in whole units. */
function fitWork(tile: GemmShape, unit: number | undefined, { granule, maxFlops }: Cut): GemmShape {
  const part = { ...tile };
  // k last: cutting it reads and writes C once more.
  for (const dimension of ["m", "n", "k"] as const) {
    const flopsOfOne = (2 * part.m * part.k * part.n) / part[dimension];
    const affordable = Math.floor(maxFlops / flopsOfOne);
    const step = dimension === "k" ? (unit ?? granule.k) : granule[dimension];
    const inUnits = dimension === "k" && unit !== undefined;
    const whole = inUnits ? Math.floor(affordable / unit) * unit : affordable;
    part[dimension] = Math.min(part[dimension], Math.max(step, whole));
  }
  return part;
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

/** The length of a slice of k; undefined where k is not sliced. */
function sliceLengthOf(
  { k }: GemmShape,
  fitting: GemmShape,
  operands: Operands,
  cut: Cut,
): number | undefined {
  const { limits, splits, longestSum } = cut;
  if (splits < 2 || fitting.k < k) return undefined;
  const products = productsTogether(fitting, operands, {
    ...cut,
    maxFlops: Number.POSITIVE_INFINITY,
  });
  const most = Math.min(splits, Math.floor(limits.maxComputeWorkgroupsPerDimension / products));
  const wanted = roundUp(Math.ceil(k / Math.max(1, most)), 8);
  const length = Math.min(wanted, roundDown(longestSum, 8));
  const elements = products * fitting.m * roundUp(fitting.n, 4) * Math.ceil(k / length);
  const fits =
    elements <= windowCapacity(limits) &&
    products * Math.ceil(k / length) <= limits.maxComputeWorkgroupsPerDimension &&
    fitting.m <= limits.maxComputeWorkgroupsPerDimension &&
    fitting.n <= limits.maxComputeWorkgroupsPerDimension * REDUCE_WORKGROUP;
  return fits && length >= 8 && length < k ? length : undefined;
}

function slicesOf(
  inner: number,
  { m, k, n }: { readonly m: Span; readonly k: Span; readonly n: Span },
  products: Span,
  length: number,
): GemmSlices {
  const isLast = k.first + k.count === inner;
  return {
    first: k.first / length,
    count: Math.ceil(k.count / length),
    total: Math.ceil(inner / length),
    length,
    rowStride: roundUp(n.count, 4),
    ...(isLast
      ? { sum: [Math.ceil(n.count / REDUCE_WORKGROUP), m.count, products.count] as const }
      : {}),
  };
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

function roundDown(value: number, multiple: number): number {
  return Math.floor(value / multiple) * multiple;
}
