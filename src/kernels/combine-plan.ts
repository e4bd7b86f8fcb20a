import type { BlockShape } from "../core/blocks.ts";
import type { BlockCombination } from "../core/code.ts";
import { InputError, ShapeError } from "../core/errors.ts";
import {
  type BindingWindow,
  fitPart,
  type LimitedDevice,
  requireCount,
  requireStored,
  type Span,
  type StoredMatrix,
  split,
  windowCapacity,
  windowOf,
} from "./tiling.ts";

/** How a combination is to be planned. Every field is optional. */
export interface CombineOptions {
  /**
   * Elements from one stacked block to the next, at least rows·cols. Default: rows·cols rounded up to
   * a multiple of four. Without that multiple blocks are read one float at a time instead of four.
   */
  readonly blockStrideElements?: number;
  /** Elements before the first block in each buffer. Default 0; multiples of four are faster. */
  readonly offsets?: { readonly inputs?: number; readonly outputs?: number };
  /**
   * How many outputs one reading of the inputs makes, 1 … 32, default 32. Fewer use fewer registers.
   */
  readonly maxOutputsPerPass?: number;
}

/** Everything that is decided about one combination before a device is touched. Plain data. */
export interface CombinePlan {
  readonly table: BlockCombination;
  /** Shape of every block, row-major without gaps. */
  readonly block: BlockShape;
  /** Elements from one block to the next, in both buffers. */
  readonly blockStrideElements: number;
  /** Floats that an invocation reads at once. */
  readonly vectorWidth: 1 | 4;
  /** Sums that an invocation keeps: a row of the table a sum. */
  readonly outputsPerPass: number;
  /** Values of the shader's overrides. */
  readonly constants: { readonly WORKGROUP: number };
  /** The stacks of blocks, a block a row. Blocks end in padding up to a multiple of `vectorWidth`. */
  readonly inputs: StoredMatrix;
  readonly outputs: StoredMatrix;
  /** The packed table: for each pass over the outputs, `outputsPerPass` coefficients an input. */
  readonly weights: StoredMatrix;
  /** One dispatch each, to be run in this order. */
  readonly tiles: readonly CombineTile[];
}

/** One dispatch: what `inputs` contribute to `outputs`, for a range of every block's elements. */
export interface CombineTile {
  readonly outputs: Span;
  readonly inputs: Span;
  readonly elements: Span;
  readonly weights: BindingWindow;
  readonly x: BindingWindow;
  readonly y: BindingWindow;
  readonly workgroups: readonly [number, number, number];
  /** True when the tile adds to what the outputs hold. */
  readonly accumulate: boolean;
}

const WORKGROUP = 64;
/** 32 sums of four floats are 128 registers: half of what an invocation has on common GPUs. */
const MAX_OUTPUTS = 32;

/**
 * Chooses passes and tiles for a coefficient table applied to stacked blocks of one shape, under a
 * device's limits. Pure: reads `device.limits` and nothing else.
 *
 * The inputs are read once for every `outputsPerPass` rows of the table. Buffers longer than
 * `maxStorageBufferBindingSize` are covered by windows: fewer outputs at a time, fewer inputs (later
 * tiles then add to the outputs), and ranges of elements where one block is too long.
 *
 * @throws {ShapeError} when the table or the block is empty or does not describe its own data, or the
 *   stride is shorter than a block.
 * @throws {InputError} when a weight is not finite in float32 or an option is out of range.
 * @throws {DeviceLimitError} when a stack exceeds any buffer of the device.
 */
export function planCombine(
  table: BlockCombination,
  block: BlockShape,
  device: LimitedDevice,
  options: CombineOptions = {},
): CombinePlan {
  requireTable(table);
  requireCount("block.rows", block.rows);
  requireCount("block.cols", block.cols);
  const { maxOutputsPerPass = MAX_OUTPUTS } = options;
  if (!(maxOutputsPerPass >= 1 && maxOutputsPerPass <= MAX_OUTPUTS)) {
    throw new InputError(
      `maxOutputsPerPass must be from 1 to ${MAX_OUTPUTS}, got ${maxOutputsPerPass}`,
    );
  }
  const { limits } = device;
  const size = block.rows * block.cols;
  const blockStrideElements = options.blockStrideElements ?? roundUp(size, 4);
  const { inputs: inputOffset = 0, outputs: outputOffset = 0 } = options.offsets ?? {};
  const capacity = windowCapacity(limits);
  const aligned = [blockStrideElements, inputOffset, outputOffset].every((at) => at % 4 === 0);
  const vectorWidth = aligned && capacity >= 4 ? 4 : 1;

  const stack = (name: string, rows: number, offset: number): StoredMatrix => {
    const cols = roundUp(size, vectorWidth);
    const stored = { rows, cols, rowStride: blockStrideElements, offset };
    requireStored(name, stored, limits);
    return stored;
  };
  const inputs = stack("inputs", table.cols, inputOffset);
  const outputs = stack("outputs", table.rows, outputOffset);

  const usable = roundDown(capacity, vectorWidth);
  const most = { rows: Math.floor(maxOutputsPerPass), cols: inputs.cols };
  const fitting = fitPart(most, blockStrideElements, usable);
  const maxElements = Math.min(
    fitting.cols,
    limits.maxComputeWorkgroupsPerDimension * WORKGROUP * vectorWidth,
  );
  const passes = split(table.rows, fitting.rows);
  const outputsPerPass = variantFor(passes[0]!.count);
  const maxInputs = Math.min(
    fitPart({ rows: table.cols, cols: maxElements }, blockStrideElements, usable).rows,
    Math.floor(capacity / outputsPerPass),
  );
  const weights = {
    rows: passes.length * table.cols,
    cols: outputsPerPass,
    rowStride: outputsPerPass,
    offset: 0,
  };

  const perWorkgroup = WORKGROUP * vectorWidth;
  const tiles: CombineTile[] = [];
  for (const [pass, rows] of passes.entries()) {
    const granule = maxElements < perWorkgroup ? vectorWidth : perWorkgroup;
    for (const elements of split(inputs.cols, maxElements, granule)) {
      for (const cols of split(table.cols, maxInputs)) {
        const coefficients = {
          rows: { first: pass * table.cols + cols.first, count: cols.count },
          cols: { first: 0, count: outputsPerPass },
        };
        tiles.push({
          outputs: rows,
          inputs: cols,
          elements,
          weights: windowOf(weights, coefficients, limits),
          x: windowOf(inputs, { rows: cols, cols: elements }, limits),
          y: windowOf(outputs, { rows, cols: elements }, limits),
          workgroups: [Math.ceil(elements.count / perWorkgroup), 1, 1],
          accumulate: cols.first > 0,
        });
      }
    }
  }
  return {
    table,
    block: { rows: block.rows, cols: block.cols },
    blockStrideElements,
    vectorWidth,
    outputsPerPass,
    constants: { WORKGROUP },
    inputs,
    outputs,
    weights,
    tiles,
  };
}

/**
 * Checks a coefficient table that came from a caller.
 *
 * @throws {ShapeError} when it is empty or has another number of weights than rows·cols.
 * @throws {InputError} when a weight is not finite once rounded to float32.
 */
export function requireTable({ rows, cols, weights }: BlockCombination): void {
  requireCount("table.rows", rows);
  requireCount("table.cols", cols);
  if (weights.length !== rows * cols) {
    throw new ShapeError(
      `table.weights must have rows·cols = ${rows}·${cols} = ${rows * cols} entries, ` +
        `got ${weights.length}`,
    );
  }
  const wrong = weights.findIndex((weight) => !Number.isFinite(Math.fround(weight)));
  if (wrong >= 0) {
    throw new InputError(
      `table.weights must be finite in float32, got ${weights[wrong]} ` +
        `at row ${Math.floor(wrong / cols)}, column ${wrong % cols}`,
    );
  }
}

/** How many sums the kernel for `count` outputs keeps: few variants, so that few are compiled. */
function variantFor(count: number): number {
  return count <= 4 ? count : roundUp(count, 4);
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

function roundDown(value: number, multiple: number): number {
  return value - (value % multiple);
}
