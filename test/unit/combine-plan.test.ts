import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BlockShape } from "../../src/core/blocks.ts";
import type { BlockCombination } from "../../src/core/code.ts";
import { DeviceLimitError, InputError, ShapeError } from "../../src/core/errors.ts";
import { table } from "../../src/core/table.ts";
import type { BlockArea, MatrixGrid } from "../../src/kernels/combine/combine-layout.ts";
import {
  type CombineDevice,
  type CombineOptions,
  type CombinePlan,
  planCombine,
} from "../../src/kernels/combine/combine-plan.ts";
import type { CombineKernel } from "../../src/kernels/combine/combine-table.ts";
import type { CombineTile } from "../../src/kernels/combine/combine-tiles.ts";
import type { KernelLimits } from "../../src/kernels/tiling.ts";
import { limitsWith } from "../support/limits.ts";

const device = limitsWith();
const ones = (rows: number, cols: number) => table(rows, cols, () => 1);

describe("planCombine", () => {
  test("covers every term of every element exactly once, within the limits of any device", () => {
    fc.assert(
      fc.property(anyJob, ({ rows, cols, block, options, device }) => {
        const plan = planCombine(ones(rows, cols), block, device, options);
        expect(plan.tiles.flatMap((tile) => brokenLimits(plan, tile, device.limits))).toEqual([]);
        expect(missingTerms(plan, options)).toEqual([]);
      }),
    );
  });

  test.each([
    { rows: 8, cols: 8, kernel: "few" },
    { rows: 4, cols: 16, kernel: "few" },
    { rows: 32, cols: 10, kernel: "many" },
    { rows: 1, cols: 17, kernel: "many" },
  ])("reads all $cols inputs once for $rows outputs: $kernel", ({ rows, cols, kernel }) => {
    const plan = planCombine(ones(rows, cols), { rows: 100, cols: 101 }, device);
    expect(plan).toMatchObject({ blockStrideElements: 10_100, vectorWidth: 4, kernel });
    expect(plan.tiles).toHaveLength(1);
  });

  test("reads inputs again for the outputs beyond 32, or beyond 64 coefficients in registers", () => {
    const passes = (rows: number, cols: number, kernel: CombineKernel) =>
      planCombine(ones(rows, cols), { rows: 9, cols: 9 }, device, { kernel }).tiles.map(
        ({ outputs }) => [outputs[0], outputs.length],
      );
    expect(passes(33, 10, "many")).toEqual([
      [0, 17],
      [17, 16],
    ]);
    expect(passes(9, 10, "few")).toEqual([
      [0, 5],
      [5, 4],
    ]);
    expect(() => passes(2, 17, "few")).toThrow(ShapeError);
  });

  test("reads inputs again on a software adapter until that doubles what is moved", () => {
    const software = { ...device, adapterInfo: { isFallbackAdapter: true } };
    const kernel = (rows: number, cols: number, on: CombineDevice) =>
      planCombine(ones(rows, cols), { rows: 9, cols: 9 }, on).kernel;
    expect(kernel(32, 8, device)).toBe("many");
    expect(kernel(32, 8, software)).toBe("few"); // 4·8 + 32 blocks instead of 8 + 32
    expect(kernel(32, 16, software)).toBe("many"); // 8·16 + 32 instead of 16 + 32
  });

  test("uses Horner's rule where it may, the table has powers and they would be read for every element", () => {
    const block = { rows: 4, cols: 4 };
    const powers = (rows: number, cols: number) => table(rows, cols, (r, c) => (r / rows) ** c);
    const kernel = (of: BlockCombination, options: CombineOptions) =>
      planCombine(of, block, device, options).kernel;
    expect(kernel(powers(8, 20), { horner: true })).toBe("horner");
    expect(kernel(powers(8, 20), {})).toBe("many");
    expect(kernel(ones(8, 20), { horner: true })).toBe("horner"); // powers of 1
    expect(kernel(powers(8, 8), { horner: true })).toBe("few"); // reads them once for all
    const other = table(8, 20, (r, c) => (c === 19 ? 1 : (r / 8) ** c));
    expect(kernel(other, { horner: true })).toBe("many");
    const growing = (rows: number) => table(rows, 20, (r, c) => (r ? 0.1 : 10) ** c);
    expect(kernel(growing(1), { horner: true })).toBe("horner"); // powers of 0.1 from the last
    expect(kernel(growing(2), { horner: true })).toBe("many"); // 10^19 might overflow
    expect(() => kernel(other, { kernel: "horner" })).toThrow(InputError);
    const inputs = { rows: 16, cols: 19, gridCols: 5 }; // the last column of blocks is cut off
    expect(kernel(powers(8, 20), { horner: true, inputs })).toBe("many");
    expect(planCombine(powers(8, 20), block, device, { horner: true }).roundings).toBe(63);
  });

  test("makes small workgroups with long loops on a software adapter, if there is enough to do", () => {
    const software = { ...device, adapterInfo: { isFallbackAdapter: true } };
    const constants = (rows: number, on: CombineDevice) =>
      planCombine(ones(2, 2), { rows, cols: 64 }, on).constants;
    expect(constants(1024, device)).toEqual({ WORKGROUP: 64, STEPS: 1 });
    expect(constants(1024, software)).toEqual({ WORKGROUP: 4, STEPS: 128 });
    expect(constants(64, software)).toEqual({ WORKGROUP: 4, STEPS: 16 });
    expect(constants(1, software)).toEqual({ WORKGROUP: 4, STEPS: 1 });
    const adapterInfo = { description: "llvmpipe (LLVM 15)", subgroupMinSize: 8 };
    expect(constants(4096, { ...device, adapterInfo })).toEqual({ WORKGROUP: 8, STEPS: 512 });
  });

  test("reads octets on a software adapter where sums cost more than reads", () => {
    const software = { ...device, adapterInfo: { isFallbackAdapter: true } };
    const block = { rows: 4, cols: 6 };
    expect(planCombine(ones(3, 20), block, software)).toMatchObject({ vectorWidth: 8 });
    expect(planCombine(ones(3, 20), block, device)).toMatchObject({ vectorWidth: 4 });
    expect(planCombine(ones(3, 6), block, software)).toMatchObject({ vectorWidth: 4 });
    // Blocks of 17 elements are padded to 20 everywhere, so that buffers have one size.
    const padded = planCombine(ones(3, 20), { rows: 1, cols: 17 }, software, {
      blockStrideElements: 24,
    });
    expect(padded).toMatchObject({ vectorWidth: 4, inputs: { cols: 20 }, outputs: { cols: 20 } });
  });

  test("pads blocks to whole vectors unless told where they lie", () => {
    const block = { rows: 3, cols: 3 };
    const plan = planCombine(ones(2, 2), block, device);
    expect(plan).toMatchObject({ blockStrideElements: 12, vectorWidth: 4 });
    const packed = planCombine(ones(2, 2), block, device, { blockStrideElements: 9 });
    expect(packed).toMatchObject({ blockStrideElements: 9, vectorWidth: 1 });
    const shifted = planCombine(ones(2, 2), block, device, { offsets: { outputs: 2 } });
    expect(shifted.vectorWidth).toBe(1);
  });

  test("reads vectors of a matrix whose blocks, rows and edges are whole vectors", () => {
    const width = (grid: { rows: number; cols: number; rowStride?: number }, cols = 8) =>
      planCombine(ones(3, 4), { rows: 5, cols }, device, { inputs: { ...grid, gridCols: 2 } })
        .vectorWidth;
    expect(width({ rows: 10, cols: 16 })).toBe(4);
    expect(width({ rows: 9, cols: 12, rowStride: 20 })).toBe(4);
    expect(width({ rows: 10, cols: 15, rowStride: 16 })).toBe(1);
    expect(width({ rows: 10, cols: 16, rowStride: 17 })).toBe(1);
    expect(width({ rows: 10, cols: 12 }, 6)).toBe(1);
  });

  test("leaves blocks out of the tiles where they are cut off", () => {
    // Rows 3, 3, 1, 0 of 4×2 blocks, columns 4 and 2.
    const inputs = { rows: 7, cols: 6, gridCols: 2 };
    const plan = planCombine(ones(1, 8), { rows: 3, cols: 4 }, device, { inputs });
    const parts = plan.tiles.map(({ area, inputs: present }) => ({ area, present }));
    const at = (row: number, rows: number, col: number, cols: number) => ({
      rows: { first: row, count: rows },
      cols: { first: col, count: cols },
    });
    expect(parts).toEqual([
      { area: at(0, 1, 0, 2), present: [0, 1, 2, 3, 4, 5] },
      { area: at(0, 1, 2, 2), present: [0, 2, 4] },
      { area: at(1, 2, 0, 2), present: [0, 1, 2, 3] },
      { area: at(1, 2, 2, 2), present: [0, 2] },
    ]);
  });

  test("refuses tables, blocks and options out of range", () => {
    const block = { rows: 3, cols: 3 };
    const broken = { rows: 2, cols: 2, weights: new Float64Array(3) };
    const plan = (options: object) => () => planCombine(ones(2, 2), block, device, options);
    expect(() => planCombine(broken, block, device)).toThrow(ShapeError);
    expect(() => planCombine(ones(0, 2), block, device)).toThrow(ShapeError);
    expect(() => planCombine(ones(2, 2), { rows: 0, cols: 3 }, device)).toThrow(ShapeError);
    expect(() =>
      planCombine(
        table(2, 2, (r, c) => (r * c ? 1e39 : 1)),
        block,
        device,
      ),
    ).toThrow(/got 1e\+39 at row 1, column 1/);
    expect(plan({ blockStrideElements: 8 })).toThrow(ShapeError);
    expect(plan({ offsets: { inputs: -4 } })).toThrow(InputError);
    expect(plan({ maxOutputsPerPass: 33 })).toThrow(InputError);
    expect(plan({ maxOutputsPerPass: 0 })).toThrow(InputError);
    expect(plan({ blockStrideElements: 2 ** 27 })).toThrow(DeviceLimitError);
    for (const side of ["inputs", "outputs"]) {
      const grid = { rows: 6, cols: 3, gridCols: 1 };
      expect(plan({ [side]: { ...grid, rows: 0 } })).toThrow(ShapeError);
      expect(plan({ [side]: { ...grid, rows: 7 } })).toThrow(/do not cover 7×3/);
      expect(plan({ [side]: { ...grid, cols: 4 } })).toThrow(ShapeError);
      expect(plan({ [side]: { ...grid, gridCols: 3 } })).toThrow(/must divide/);
      expect(plan({ [side]: { ...grid, rowStride: 2 } })).toThrow(ShapeError);
      expect(plan({ [side]: { ...grid, rowStride: 2 ** 27 } })).toThrow(DeviceLimitError);
    }
  });
});

const anyGrid = fc.option(
  fc.record({ across: fc.nat(5), missing: fc.tuple(fc.nat(30), fc.nat(30)), gap: fc.nat(9) }),
  { nil: undefined },
);

/** A matrix of which `count` blocks are the grid, some of its rows and columns missing. */
function gridFor(
  count: number,
  block: BlockShape,
  drawn: { across: number; missing: [number, number]; gap: number } | undefined,
): MatrixGrid | undefined {
  if (!drawn) return undefined;
  const divisors = Array.from({ length: count }, (_, i) => i + 1).filter((i) => count % i === 0);
  const gridCols = divisors[drawn.across % divisors.length]!;
  const rows = Math.max(1, (count / gridCols) * block.rows - drawn.missing[0]);
  const cols = Math.max(1, gridCols * block.cols - drawn.missing[1]);
  return { rows, cols, rowStride: cols + drawn.gap, gridCols };
}

const anyJob = fc
  .record({
    rows: fc.integer({ min: 1, max: 40 }),
    cols: fc.integer({ min: 1, max: 24 }),
    block: fc.record({
      rows: fc.integer({ min: 1, max: 12 }),
      cols: fc.integer({ min: 1, max: 12 }),
    }),
    gap: fc.option(fc.nat(20), { nil: undefined }),
    inputs: anyGrid,
    outputs: anyGrid,
    many: fc.boolean(),
    offsets: fc.record({ inputs: fc.nat(80), outputs: fc.nat(80) }),
    maxOutputsPerPass: fc.integer({ min: 1, max: 32 }),
    bindingWords: fc.integer({ min: 64, max: 900 }),
    alignment: fc.constantFrom(32, 256),
    workgroups: fc.constantFrom(1, 65_535),
    isFallbackAdapter: fc.boolean(),
  })
  .map(({ gap, bindingWords, alignment, workgroups, isFallbackAdapter, many, ...job }) => {
    const { offsets, maxOutputsPerPass, rows, cols, block } = job;
    const inputs = gridFor(cols, block, job.inputs);
    const outputs = gridFor(rows, block, job.outputs);
    const options: CombineOptions = {
      offsets,
      maxOutputsPerPass,
      ...(inputs && { inputs }),
      ...(outputs && { outputs }),
      ...(many && { kernel: "many" }),
      ...(gap === undefined ? {} : { blockStrideElements: block.rows * block.cols + gap }),
    };
    const device = {
      ...limitsWith({
        maxStorageBufferBindingSize: 4 * bindingWords,
        minStorageBufferOffsetAlignment: alignment,
        maxComputeWorkgroupsPerDimension: workgroups,
      }),
      adapterInfo: { isFallbackAdapter },
    };
    return { rows, cols, block, options, device };
  });

/** Where element (row, col) of a block lies in its buffer; nowhere if the block is cut off before. */
function place(
  plan: CombinePlan,
  side: "inputs" | "outputs",
  { inputs, outputs }: CombineOptions,
  at: { readonly block: number; readonly row: number; readonly col: number },
): number | undefined {
  const grid = { inputs, outputs }[side];
  const { offset, rowStride } = plan[side];
  const { block } = plan;
  if (!grid) return offset + at.block * rowStride + at.row * block.cols + at.col;
  const row = Math.floor(at.block / grid.gridCols) * block.rows + at.row;
  const col = (at.block % grid.gridCols) * block.cols + at.col;
  return row < grid.rows && col < grid.cols ? offset + row * rowStride + col : undefined;
}

/**
 * What is wrong with the sums: every element of every output must get every input that has it, once, in
 * order, from where it lies, and padding of a matrix must be neither read nor written.
 */
function missingTerms(plan: CombinePlan, options: CombineOptions): string[] {
  const { table, block, tiles, panels } = plan;
  const wrong: string[] = [];
  /** For each place that is written: the places that were added up there, and from which columns. */
  const sums = new Map<number, [number, number][]>();
  for (const tile of tiles) {
    const panel = panels[tile.panel]!;
    if (`${panel.outputs}` !== `${tile.outputs}` || `${panel.inputs}` !== `${tile.inputs}`) {
      wrong.push(`panel ${tile.panel}`);
    }
    for (const [row, col] of cells(tile.area)) {
      const reads = tile.inputs.map((input, i): [number, number] => [
        input,
        tile.x.offsetBytes / 4 + tile.xOrigins[i]! + row * tile.xRowStride + col,
      ]);
      for (const i of tile.outputs.keys()) {
        const to = tile.y.offsetBytes / 4 + tile.yOrigins[i]! + row * tile.yRowStride + col;
        const before = sums.get(to);
        if ((before !== undefined) !== tile.accumulate) wrong.push(`accumulates at ${to}`);
        if (before) before.push(...reads);
        else sums.set(to, [...reads]);
      }
    }
  }
  const expected = new Map<number, [number, number][]>();
  for (let output = 0; output < table.rows; output++) {
    for (const [row, col] of cells({
      rows: { first: 0, count: block.rows },
      cols: { first: 0, count: block.cols },
    })) {
      const to = place(plan, "outputs", options, { block: output, row, col });
      if (to === undefined) continue;
      const terms: [number, number][] = [];
      for (let input = 0; input < table.cols; input++) {
        const at = place(plan, "inputs", options, { block: input, row, col });
        if (at !== undefined) terms.push([input, at]);
      }
      expected.set(to, terms);
    }
  }
  for (const [to, terms] of expected) {
    if (`${sums.get(to)}` !== `${terms}`) wrong.push(`sum at ${to}`);
    sums.delete(to);
  }
  // Padding behind a stacked block may be written where both sides are stacks.
  const padding = options.inputs || options.outputs ? 0 : 3;
  if (sums.size > padding * table.rows) wrong.push(`${sums.size} other places are written`);
  return wrong;
}

function cells({ rows, cols }: BlockArea): [number, number][] {
  return Array.from({ length: rows.count }, (_, i) =>
    Array.from({ length: cols.count }, (_, j): [number, number] => [i, j]),
  ).flat();
}

/** What a tile asks for beyond the limits, and windows that do not hold what it touches. */
function brokenLimits(plan: CombinePlan, tile: CombineTile, limits: KernelLimits): string[] {
  const broken: string[] = [];
  const { area, outputs, inputs, xWalk } = tile;
  const { WORKGROUP, STEPS } = plan.constants;
  const elements = (area.rows.count * area.cols.count) / plan.vectorWidth;
  const [workgroups] = tile.workgroups;
  if (workgroups > limits.maxComputeWorkgroupsPerDimension) broken.push(`workgroups ${workgroups}`);
  if (workgroups * WORKGROUP * STEPS < elements) broken.push(`too few: ${workgroups}`);
  if (outputs.length > 32 || (plan.kernel === "few" && inputs.length > 16)) broken.push("blocks");
  const panel = plan.panels[tile.panel]!;
  const windows = [
    { ...tile.x, origins: tile.xOrigins, rowStride: tile.xRowStride },
    { ...tile.y, origins: tile.yOrigins, rowStride: tile.yRowStride },
  ];
  for (const { offsetBytes, sizeBytes, origins, rowStride } of windows) {
    const last = (area.rows.count - 1) * rowStride + area.cols.count;
    if (
      offsetBytes % limits.minStorageBufferOffsetAlignment !== 0 ||
      sizeBytes > limits.maxStorageBufferBindingSize ||
      origins.some((origin) => origin % plan.vectorWidth !== 0 || origin < 0) ||
      origins.some((origin) => (origin + last) * 4 > sizeBytes)
    ) {
      broken.push(`window ${JSON.stringify(tile)}`);
    }
  }
  if (area.cols.count % plan.vectorWidth !== 0 || windows.some((w) => w.rowStride < 1)) {
    broken.push(`area ${JSON.stringify(area)}`);
  }
  if (plan.kernel === "many" && panel.sizeBytes > limits.maxStorageBufferBindingSize) {
    broken.push("panel");
  }
  let { left } = xWalk;
  for (const [i, origin] of tile.xOrigins.entries()) {
    if (i > 0 && origin - tile.xOrigins[i - 1]! !== (left === 0 ? xWalk.wrap : xWalk.step)) {
      broken.push(`walk ${JSON.stringify(tile)}`);
    }
    if (left === 0) left = xWalk.cols;
    left--;
  }
  return broken;
}
