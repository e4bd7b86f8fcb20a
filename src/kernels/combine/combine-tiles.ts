/** @file Cutting one combination into dispatches that fit a device. */

import type { BlockShape } from "../../core/blocks.ts";
import {
  type BindingWindow,
  fitPart,
  type KernelLimits,
  type Span,
  split,
  windowCapacity,
} from "../tiling.ts";
import {
  type BlockArea,
  type BlockLayout,
  extentOf,
  presentBlocks,
  uniformAreas,
  windowOfBlocks,
} from "./combine-layout.ts";
import {
  type CombineKernel,
  columnLength,
  FEW_INPUTS,
  MAX_OUTPUTS,
  type TablePanel,
} from "./combine-table.ts";

/** One dispatch: what some inputs contribute to some outputs, for a part of every block. */
export interface CombineTile {
  /** Numbers of blocks, ascending. Without inputs the outputs are filled with zeros. */
  readonly outputs: readonly number[];
  readonly inputs: readonly number[];
  /** Elements of every block; of stacked blocks, which are lines, all rows are one. */
  readonly area: BlockArea;
  /** Index of the panel that holds the tile's coefficients. */
  readonly panel: number;
  readonly x: BindingWindow;
  readonly y: BindingWindow;
  /** Where in its window each block's first element of `area` lies. */
  readonly xOrigins: readonly number[];
  readonly yOrigins: readonly number[];
  /** The same for the inputs as a walk from one to the next. */
  readonly xWalk: BlockWalk;
  /** Elements from row to row of a block. */
  readonly xRowStride: number;
  readonly yRowStride: number;
  readonly workgroups: readonly [number, number, number];
  /** True when the tile adds to what the outputs hold. */
  readonly accumulate: boolean;
}

/** The way through the blocks of a tile: `step` elements to the next, but `wrap` after the last of a grid row. */
export interface BlockWalk {
  readonly step: number;
  readonly wrap: number;
  /** Blocks in a grid row, and of the first one those that the tile has. */
  readonly cols: number;
  readonly left: number;
}

interface TilingJob {
  /** Of every block; one row where blocks are lines. */
  readonly shape: BlockShape;
  readonly inputs: BlockLayout;
  readonly outputs: BlockLayout;
  readonly kernel: CombineKernel;
  readonly vectorWidth: 1 | 4 | 8;
  /** Elements that a workgroup makes of every output. */
  readonly perWorkgroup: number;
  readonly maxOutputs: number;
  readonly limits: KernelLimits;
}

/** The dispatches of a combination, in order, and the parts of the table that they use. */
export function planTiles(job: TilingJob): {
  readonly tiles: readonly CombineTile[];
  readonly panels: readonly TablePanel[];
} {
  const { shape, inputs, outputs, limits } = job;
  const panels = panelList(job);
  const tiles: CombineTile[] = [];
  for (const whole of uniformAreas(shape, [inputs, outputs])) {
    const at = [whole.rows.first, whole.cols.first] as const;
    const toMake = presentBlocks(outputs, ...at);
    const toRead = presentBlocks(inputs, ...at);
    if (toMake.length === 0) continue;
    const areas = fittingAreas(whole, job);
    const largest = areas[0]!;
    const outputGroups = groupsOf(toMake, outputs, largest, job.maxOutputs, job);
    for (const made of outputGroups) {
      const most = mostInputs(made.length, job);
      const inputGroups = groupsOf(toRead, inputs, largest, most, job);
      for (const area of areas) {
        for (const [pass, read] of inputGroups.entries()) {
          const x = read.length > 0 ? windowOfBlocks(inputs, read, area, limits) : nothing(job);
          const y = windowOfBlocks(outputs, made, area, limits);
          tiles.push({
            outputs: made,
            inputs: read,
            area,
            panel: panels.indexOf(made, read),
            x: x.window,
            y: y.window,
            xOrigins: x.origins,
            yOrigins: y.origins,
            xWalk: walkThrough(inputs, toRead, read),
            xRowStride: inputs.rowStride,
            yRowStride: outputs.rowStride,
            workgroups: [Math.ceil((area.rows.count * area.cols.count) / job.perWorkgroup), 1, 1],
            accumulate: pass > 0,
          });
        }
      }
    }
  }
  return { tiles, panels: panels.all };
}

/** A binding that must be there but is not read: one vector, which every buffer has. */
function nothing({ vectorWidth }: TilingJob): ReturnType<typeof windowOfBlocks> {
  const sizeBytes = vectorWidth * Float32Array.BYTES_PER_ELEMENT;
  return { window: { offsetBytes: 0, sizeBytes, base: 0 }, origins: [] };
}

/** Cuts an area so that one block of either side fits a binding, and a dispatch the device. */
function fittingAreas(area: BlockArea, job: TilingJob): BlockArea[] {
  const { inputs, outputs, vectorWidth, perWorkgroup, limits } = job;
  const usable = roundDown(windowCapacity(limits), vectorWidth);
  const most = { rows: area.rows.count, cols: area.cols.count };
  const fits = [inputs, outputs].map(({ rowStride }) => fitPart(most, rowStride, usable));
  const cols = Math.min(
    ...fits.map((fit) => fit.cols),
    limits.maxComputeWorkgroupsPerDimension * perWorkgroup,
  );
  const inDispatch = Math.floor((limits.maxComputeWorkgroupsPerDimension * perWorkgroup) / cols);
  const rows =
    cols < most.cols ? 1 : Math.max(1, Math.min(...fits.map((fit) => fit.rows), inDispatch));
  const granule = cols < perWorkgroup ? vectorWidth : perWorkgroup;
  const shifted = (spans: readonly Span[], first: number) =>
    spans.map((span) => ({ first: first + span.first, count: span.count }));
  const colSpans = shifted(split(most.cols, cols, granule), area.cols.first);
  return shifted(split(most.rows, rows), area.rows.first).flatMap((rowSpan) =>
    colSpans.map((colSpan) => ({ rows: rowSpan, cols: colSpan })),
  );
}

/**
 * Cuts blocks into as few groups as fit a binding, of nearly equal length where that does not make them
 * more; one empty group where there are none. A single block always fits.
 */
function groupsOf(
  blocks: readonly number[],
  layout: BlockLayout,
  area: BlockArea,
  most: number,
  { limits }: TilingJob,
): number[][] {
  if (blocks.length === 0) return [[]];
  const capacity = windowCapacity(limits);
  const fits = (group: readonly number[]) =>
    group.length <= most && extentOf(layout, group, area) <= capacity;
  const greedy: number[][] = [];
  for (const block of blocks) {
    const last = greedy.at(-1);
    if (last && fits([...last, block])) last.push(block);
    else greedy.push([block]);
  }
  const length = Math.ceil(blocks.length / greedy.length);
  const even = split(blocks.length, length).map(({ first, count }) =>
    blocks.slice(first, first + count),
  );
  return even.every(fits) ? even : greedy;
}

/** `blocks` are a part of `present`, the top left part of the grid. */
function walkThrough(
  { gridCols, gridRowStride, gridColStride }: BlockLayout,
  present: readonly number[],
  blocks: readonly number[],
): BlockWalk {
  const cols = Math.max(1, present.filter((block) => block < gridCols).length);
  return {
    step: gridColStride,
    wrap: gridRowStride - (cols - 1) * gridColStride,
    cols,
    left: cols - (present.indexOf(blocks[0] ?? 0) % cols),
  };
}

/** How many inputs the kernel takes at once for so many outputs. */
function mostInputs(outputs: number, { kernel, limits }: TilingJob): number {
  if (kernel === "few") return FEW_INPUTS;
  if (kernel === "horner") return Number.POSITIVE_INFINITY;
  const perInput = columnLength(outputs) * Float32Array.BYTES_PER_ELEMENT;
  return Math.max(1, Math.floor(limits.maxStorageBufferBindingSize / perInput));
}

/** Collects the parts of the table that tiles use, each once. */
function panelList({ kernel, limits }: TilingJob) {
  const all: TablePanel[] = [];
  const known = new Map<string, number>();
  const alignment =
    kernel === "many"
      ? limits.minStorageBufferOffsetAlignment
      : limits.minUniformBufferOffsetAlignment;
  let end = 0;
  return {
    all,
    indexOf(outputs: readonly number[], inputs: readonly number[]): number {
      const key = `${outputs};${inputs}`;
      const found = known.get(key);
      if (found !== undefined) return found;
      const floats = {
        few: FEW_INPUTS * MAX_OUTPUTS,
        many: columnLength(outputs.length) * Math.max(1, inputs.length),
        horner: 2 * MAX_OUTPUTS,
      }[kernel];
      const sizeBytes = floats * Float32Array.BYTES_PER_ELEMENT;
      all.push({ outputs, inputs, offsetBytes: end, sizeBytes });
      end += Math.ceil(sizeBytes / alignment) * alignment;
      known.set(key, all.length - 1);
      return all.length - 1;
    },
  };
}

function roundDown(value: number, multiple: number): number {
  return value - (value % multiple);
}
