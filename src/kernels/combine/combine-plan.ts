import type { BlockShape } from "../../core/blocks.ts";
import type { BlockCombination } from "../../core/code.ts";
import { InputError, ShapeError } from "../../core/errors.ts";
import { requireOptions } from "../../core/options.ts";
import { isSoftware } from "../device/device-adapters.ts";
import { type LimitedDevice, requireCount, type StoredMatrix, windowCapacity } from "../tiling.ts";
import { type BlockLayout, gridLayout, type MatrixGrid, stackLayout } from "./combine-layout.ts";
import { combineOptionsSchema } from "./combine-options.ts";
import {
  type CombineKernel,
  FEW_INPUTS,
  fewOutputs,
  MAX_OUTPUTS,
  requireTable,
  type TablePanel,
} from "./combine-table.ts";
import { type CombineTile, planTiles } from "./combine-tiles.ts";
import { vandermondeOf } from "./combine-vandermonde.ts";

/** How a combination is to be planned. Every field is optional. */
export interface CombineOptions {
  /**
   * Elements from one stacked block to the next, at least rows·cols. Default: rows·cols rounded up to
   * a multiple of four. Without that multiple blocks are read one float at a time instead of four or eight.
   */
  readonly blockStrideElements?: number;
  /** Elements before the first block in each buffer. Default 0; multiples of four are faster. */
  readonly offsets?: { readonly inputs?: number; readonly outputs?: number };
  /** The inputs are the blocks of a matrix, and are read where they lie. Default: a stack. */
  readonly inputs?: MatrixGrid;
  /** The outputs are the blocks of a matrix, and are written where they belong. Default: a stack. */
  readonly outputs?: MatrixGrid;
  /**
   * How many outputs one reading of the inputs makes, 1 … 32, default 32. Fewer use fewer registers.
   */
  readonly maxOutputsPerPass?: number;
  /** Default: the one that moves fewer bytes, and never "horner". */
  readonly kernel?: CombineKernel;
  /**
   * Lets Horner's rule be chosen where the table is a Vandermonde table, which saves reading a coefficient
   * for every input and output. Default false: the error bound is three times as wide, and other tables
   * cannot take the place of the first (`setTable`).
   */
  readonly horner?: boolean;
}

/** What the planner reads of a device. Every `GPUDevice` has it. */
export interface CombineDevice extends LimitedDevice {
  readonly adapterInfo?: Partial<GPUAdapterInfo>;
}

/** Everything that is decided about one combination before a device is touched. Plain data. */
export interface CombinePlan {
  readonly table: BlockCombination;
  /** Shape of every block; in a stack row-major without gaps. */
  readonly block: BlockShape;
  /** Elements from one block to the next, wherever blocks are stacked. */
  readonly blockStrideElements: number;
  readonly kernel: CombineKernel;
  /** Floats that an invocation reads at once. */
  readonly vectorWidth: 1 | 4 | 8;
  /** Invocations of a workgroup, and how many elements of `vectorWidth` floats each of them makes. */
  readonly constants: { readonly WORKGROUP: number; readonly STEPS: number };
  /**
   * What the buffers hold: stacks, a block a row, or the matrices whose blocks are meant. Stacked blocks
   * end in padding up to a multiple of `vectorWidth`.
   */
  readonly inputs: StoredMatrix;
  readonly outputs: StoredMatrix;
  /** |ŷ − y| ≤ γ_roundings Σ|w||x| element by element, absent underflow and overflow. */
  readonly roundings: number;
  /** Of Horner's rule: whether the first input has the highest power, and so comes first. */
  readonly descending?: boolean;
  /** The sides whose blocks are those of a matrix. */
  readonly grids: { readonly inputs?: MatrixGrid; readonly outputs?: MatrixGrid };
  /** The parts of the table that tiles apply. */
  readonly panels: readonly TablePanel[];
  /** One dispatch each, to be run in this order. */
  readonly tiles: readonly CombineTile[];
}

/** Elements one after the other, so that lanes of a GPU read neighbours, and many workgroups. */
const GPU_CONSTANTS = { WORKGROUP: 64, STEPS: 1 };
/**
 * A software adapter runs a workgroup's lanes in one thread, four or eight at a time, and spends more on
 * starting a workgroup than on an element: groups of one subgroup and long loops are 1.5 to 3 times faster
 * (SwiftShader and lavapipe; 6 inputs, 8 outputs, blocks of 4 MiB).
 */
const SOFTWARE_STEPS = [512, 128, 16, 1];
/** Of any device. */
const LARGEST_SUBGROUP = 128;
/** Workgroups that keep the threads of a software adapter busy. */
const BUSY_WORKGROUPS = 16;

/**
 * Chooses kernel, passes and tiles for a coefficient table applied to blocks of one shape, under a
 * device's limits. Pure: reads `limits` and `adapterInfo` of the device and nothing else.
 *
 * Inputs are stacked unless `options.inputs` says that they are the blocks of a matrix, and likewise
 * outputs. The inputs are read once for every 32 rows of the table (`CombineKernel`). Buffers longer than
 * `maxStorageBufferBindingSize` are covered by windows: fewer outputs at a time, fewer inputs (later
 * tiles then add to the outputs), and parts of blocks where one is too long. Where the edge of a
 * matrix cuts blocks off, the part of a block beyond it is a tile of its own, without those that end.
 *
 * @throws {ShapeError} when the table or the block is empty or does not describe its own data, the
 *   stride is shorter than a block, or a matrix does not fit its grid.
 * @throws {InputError} when a weight is not finite in float32, or an option is unknown or breaks its rule.
 * @throws {DeviceLimitError} when a stack or a matrix exceeds any buffer of the device.
 */
export function planCombine(
  table: BlockCombination,
  block: BlockShape,
  device: CombineDevice,
  options: CombineOptions = {},
): CombinePlan {
  requireTable(table);
  requireCount("block.rows", block.rows);
  requireCount("block.cols", block.cols);
  requireOptions(combineOptionsSchema, options);
  const { maxOutputsPerPass = MAX_OUTPUTS } = options;
  const software = isSoftware(device.adapterInfo);
  const kernel = kernelFor(table, block, options, software);
  const { limits } = device;
  const size = block.rows * block.cols;
  const blockStrideElements = options.blockStrideElements ?? roundUp(size, 4);
  const bothStacked = !options.inputs && !options.outputs;
  const reads = (width: number) =>
    windowCapacity(limits) >= width && isAligned(width, { block, blockStrideElements, options });
  // Octets pay where a sum costs more than a read: 1.2 (lavapipe) to 1.5 times as fast (SwiftShader). What
  // pads stacked blocks must be no more for them: buffers have one size on every device.
  const padsAlike = !bothStacked || roundUp(size, 8) === roundUp(size, 4);
  const octets = software && kernel === "many" && padsAlike && reads(8);
  const vectorWidth = octets ? 8 : reads(4) ? 4 : 1;
  // Stacked blocks are lines: nothing cuts them off, and what pads them may be overwritten.
  const shape = bothStacked ? { rows: 1, cols: roundUp(size, vectorWidth) } : block;

  const powers = kernel === "horner" ? vandermondeOf(table) : undefined;
  const layoutOf = (side: "inputs" | "outputs", count: number): BlockLayout => {
    const offset = options.offsets?.[side] ?? 0;
    const grid = options[side];
    if (grid) return gridLayout(side, { ...grid, count, offset }, block, limits);
    const stack = { count, shape, strideElements: blockStrideElements, offset };
    return stackLayout(side, stack, limits);
  };
  const inputs = layoutOf("inputs", table.cols);
  const outputs = layoutOf("outputs", table.rows);
  const constants = software
    ? softwareConstants((shape.rows * shape.cols) / vectorWidth, device.adapterInfo)
    : GPU_CONSTANTS;
  const { tiles, panels } = planTiles({
    shape,
    inputs,
    outputs,
    kernel,
    vectorWidth,
    perWorkgroup: constants.WORKGROUP * constants.STEPS * vectorWidth,
    maxOutputs: Math.min(
      maxOutputsPerPass,
      kernel === "few" ? fewOutputs(table.cols) : MAX_OUTPUTS,
    ),
    limits,
  });
  return {
    table,
    block: { rows: block.rows, cols: block.cols },
    blockStrideElements,
    kernel,
    vectorWidth,
    constants,
    inputs: inputs.stored,
    outputs: outputs.stored,
    roundings: kernel === "horner" ? 3 * table.cols + 3 : table.cols + 1,
    ...(powers && { descending: powers.descending }),
    grids: {
      ...(options.inputs && { inputs: options.inputs }),
      ...(options.outputs && { outputs: options.outputs }),
    },
    panels,
    tiles,
  };
}

/**
 * "few" where it makes all outputs of one reading. A software adapter spends as long on finding a
 * coefficient as on reading an element, which "few" does once for many elements: reading the inputs
 * again is worth it there until twice as much is moved.
 */
function kernelFor(
  table: BlockCombination,
  block: BlockShape,
  { kernel, horner = false, inputs, maxOutputsPerPass = MAX_OUTPUTS }: CombineOptions,
  software: boolean,
): CombineKernel {
  const { rows, cols } = table;
  const hasPowers = () => !isCutOff(inputs, block) && vandermondeOf(table) !== undefined;
  if (kernel === "few" && cols > FEW_INPUTS) {
    throw new ShapeError(
      `the kernel "few" takes up to ${FEW_INPUTS} inputs, the table has ${cols} columns`,
    );
  }
  if (kernel === "horner" && !hasPowers()) {
    throw new InputError(
      'the kernel "horner" needs rows of powers and grid rows that nothing cuts off on the right',
    );
  }
  if (kernel) return kernel;
  const readings = (together: number) => Math.ceil(rows / Math.min(together, maxOutputsPerPass));
  const moved = (together: number) => readings(together) * cols + rows;
  const worth = (software ? 2 : 1) * moved(MAX_OUTPUTS);
  if (cols <= FEW_INPUTS && moved(fewOutputs(cols)) <= worth) return "few";
  return horner && hasPowers() ? "horner" : "many";
}

/** Whether some inputs lack columns that others have: tiles then have inputs with gaps between them. */
function isCutOff(inputs: MatrixGrid | undefined, block: BlockShape): boolean {
  return inputs !== undefined && inputs.gridCols > 1 && inputs.cols < inputs.gridCols * block.cols;
}

/** Whether every row of every block begins and ends at a multiple of `width` elements. */
function isAligned(
  width: number,
  {
    block,
    blockStrideElements,
    options,
  }: {
    readonly block: BlockShape;
    readonly blockStrideElements: number;
    readonly options: CombineOptions;
  },
): boolean {
  const grids = [options.inputs, options.outputs].filter((grid) => grid !== undefined);
  const numbers = [options.offsets?.inputs ?? 0, options.offsets?.outputs ?? 0];
  if (grids.length < 2) numbers.push(blockStrideElements);
  if (grids.length > 0) numbers.push(block.cols);
  for (const { cols, rowStride = cols } of grids) numbers.push(cols, rowStride);
  return numbers.every((number) => number % width === 0);
}

function softwareConstants(
  vectors: number,
  { subgroupMinSize: lanes = 4 }: Partial<GPUAdapterInfo> = {},
): CombinePlan["constants"] {
  const WORKGROUP = Math.min(Math.max(lanes, 4), LARGEST_SUBGROUP);
  const busy = SOFTWARE_STEPS.find((steps) => vectors >= BUSY_WORKGROUPS * WORKGROUP * steps);
  return { WORKGROUP, STEPS: busy ?? 1 };
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
