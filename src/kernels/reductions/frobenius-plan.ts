import { z } from "zod";
import type { BlockShape } from "../../core/blocks.ts";
import { DeviceLimitError } from "../../core/errors.ts";
import { requireOptions } from "../../core/options.ts";
import {
  gridLayout,
  type MatrixGrid,
  stackLayout,
  windowOfBlocks,
} from "../combine/combine-layout.ts";
import { blockStride, gridSchema, integer, offsetsOf } from "../combine/combine-options.ts";
import type { CombineDevice } from "../combine/combine-plan.ts";
import { isSoftware } from "../device/device-adapters.ts";
import {
  type BindingWindow,
  fitPart,
  requireCount,
  requireStored,
  type StoredMatrix,
  split,
  windowCapacity,
} from "../tiling.ts";
import { lineWindow, planSums, type SumLevel } from "./reduction-sums.ts";

/** How norms are to be planned. Every field is optional. */
export interface FrobeniusOptions {
  /** How many blocks; each gets its own norm. Default 1. */
  readonly count?: number;
  /** Elements from one stacked block to the next. Default: rows·cols rounded up to a multiple of four. */
  readonly blockStrideElements?: number;
  /** The blocks are those of a matrix, where they lie; what lies beyond its edge counts as zero. */
  readonly grid?: MatrixGrid;
  /** Elements before the first block, and before the first norm. Default 0. */
  readonly offsets?: { readonly input?: number; readonly norms?: number };
  /**
   * A power of two that every element is multiplied by before it is squared. Default 1. A norm² comes out
   * scale² times as large. Squares overflow from 1.8e19 on and lose digits below 1e-19: choose
   * 1 ÷ (largest magnitude) or so where elements may be beyond that. From 2^-126 to 2^127; a device may take
   * elements below 2^-126 for 0.
   */
  readonly scale?: number;
}

const powerOfTwo = "must be a power of two from 2^-126 to 2^127";

const frobeniusOptionsSchema = z.strictObject(
  {
    count: integer.optional(),
    blockStrideElements: blockStride.optional(),
    grid: gridSchema.optional(),
    offsets: offsetsOf("input", "norms").optional(),
    scale: z.number(powerOfTwo).refine(isFloat32PowerOfTwo, powerOfTwo).optional(),
  },
  "must be an object",
);

/** A part of one block: its squares go into `sums` vectors of partial sums. */
export interface SquaresTile {
  readonly rows: number;
  readonly cols: number;
  readonly x: BindingWindow;
  /** Where in its window the part begins. */
  readonly xBase: number;
  /** Number of the tile's first partial sum, in vectors. */
  readonly yBase: number;
}

/** All that one block takes. Its partial sums are made, then added up level by level. */
export interface BlockNorm {
  readonly tiles: readonly SquaresTile[];
  readonly levels: readonly SumLevel[];
  /** Where the norm goes. */
  readonly y: BindingWindow;
}

/** Everything that is decided about the norms of some blocks. Plain data. */
export interface FrobeniusPlan {
  readonly block: BlockShape;
  readonly count: number;
  readonly scale: number;
  readonly vectorWidth: 1 | 4;
  /** Partial sums of a tile, in vectors: as many invocations work on it. */
  readonly sums: number;
  /** Elements from row to row of a block. */
  readonly rowStride: number;
  readonly input: StoredMatrix;
  /** One float a block: scale²·‖block‖_F². */
  readonly norms: StoredMatrix;
  readonly blocks: readonly BlockNorm[];
  /** Elements of each of the two buffers that hold partial sums. */
  readonly scratchElements: number;
  /** |computed − exact| ≤ γ_roundings · exact, absent underflow and overflow of a square. */
  readonly roundings: number;
}

export const SQUARES_WORKGROUP = 64;
/** Elements that an invocation squares: few keep a GPU busy, many spare a CPU the overhead. */
const PER_SUM = { gpu: 16, software: 256 };

/**
 * Plans the squared Frobenius norms of blocks of one shape, stacked or in a matrix. Pure: reads `limits`
 * and `adapterInfo` of the device. Blocks longer than a binding are cut; the order of all sums is fixed
 * by the plan, so that equal blocks give equal bits.
 *
 * @throws {ShapeError} when a block is empty, blocks overlap or a matrix does not fit its grid.
 * @throws {InputError} when an option is unknown or breaks its rule.
 * @throws {DeviceLimitError} when a buffer is too long for the device, or a block for its bindings.
 */
export function planFrobenius(
  block: BlockShape,
  device: CombineDevice,
  options: FrobeniusOptions = {},
): FrobeniusPlan {
  requireCount("block.rows", block.rows);
  requireCount("block.cols", block.cols);
  requireOptions(frobeniusOptionsSchema, options);
  const {
    count = 1,
    scale = 1,
    grid,
    offsets: { input: offset = 0, norms: at = 0 } = {},
  } = options;
  requireCount("count", count);
  const { limits } = device;
  const norms = { rows: 1, cols: count, rowStride: count, offset: at };
  requireStored("norms", norms, limits);
  const strideElements =
    options.blockStrideElements ?? 4 * Math.ceil((block.rows * block.cols) / 4);
  const capacity = windowCapacity(limits);
  const numbers = grid
    ? [offset, block.cols, grid.cols, grid.rowStride ?? grid.cols]
    : [offset, strideElements, block.rows * block.cols];
  const vectorWidth = capacity >= 4 && numbers.every((number) => number % 4 === 0) ? 4 : 1;
  // Blocks of a stack are lines without gaps.
  const shape = grid ? block : { rows: 1, cols: block.rows * block.cols };
  const layout = grid
    ? gridLayout("grid", { ...grid, count, offset }, block, limits)
    : stackLayout("input", { count, shape, strideElements, offset }, limits);

  const fitting = fitPart(shape, layout.rowStride, capacity - (capacity % vectorWidth));
  const pieces =
    split(shape.rows, fitting.cols < shape.cols ? 1 : fitting.rows).length *
    split(shape.cols, fitting.cols, vectorWidth).length;
  const largest = Math.min(fitting.rows * fitting.cols, shape.rows * shape.cols) / vectorWidth;
  const perSum = isSoftware(device.adapterInfo) ? PER_SUM.software : PER_SUM.gpu;
  const sums = Math.min(
    Math.ceil(largest / perSum),
    Math.floor(capacity / (pieces * vectorWidth)),
    limits.maxComputeWorkgroupsPerDimension * SQUARES_WORKGROUP,
  );
  if (sums < 1) {
    throw new DeviceLimitError(
      `the norm of ${block.rows}×${block.cols} needs ${pieces} windows, more than a binding has elements`,
    );
  }

  const blocks: BlockNorm[] = [];
  let roundings = 0;
  let scratchElements = 0;
  for (let b = 0; b < count; b++) {
    const height = layout.heights[Math.floor(b / layout.gridCols)]!;
    const width = layout.widths[b % layout.gridCols]!;
    const tiles: SquaresTile[] = [];
    if (height > 0 && width > 0) {
      for (const rows of split(height, fitting.cols < shape.cols ? 1 : fitting.rows)) {
        for (const cols of split(width, fitting.cols, vectorWidth)) {
          const { window, origins } = windowOfBlocks(layout, [b], { rows, cols }, limits);
          const yBase = tiles.length * sums;
          const part = { rows: rows.count, cols: cols.count };
          tiles.push({ ...part, x: window, xBase: origins[0]!, yBase });
        }
      }
    } else {
      const x = lineWindow(0, vectorWidth, limits);
      tiles.push({ rows: 0, cols: vectorWidth, x, xBase: 0, yBase: 0 });
    }
    const partials = { groups: 1, count: tiles.length * sums * vectorWidth, width: 1 };
    const { levels, roundings: later } = planSums(partials, limits);
    blocks.push({ tiles, levels, y: lineWindow(at + b, 1, limits) });
    roundings = Math.max(roundings, Math.ceil(largest / sums) + later);
    scratchElements = Math.max(scratchElements, partials.count);
  }
  return {
    block: { rows: block.rows, cols: block.cols },
    count,
    scale,
    vectorWidth,
    sums,
    rowStride: layout.rowStride,
    input: layout.stored,
    norms,
    blocks,
    scratchElements,
    roundings,
  };
}

function isFloat32PowerOfTwo(value: number): boolean {
  return value >= 2 ** -126 && value <= 2 ** 127 && Number.isInteger(Math.log2(value));
}
