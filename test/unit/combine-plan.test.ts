import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { DeviceLimitError, InputError, ShapeError } from "../../src/core/errors.ts";
import { table } from "../../src/core/table.ts";
import { type CombinePlan, type CombineTile, planCombine } from "../../src/kernels/combine-plan.ts";
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
        expect(isEverySumInOrder(plan)).toBe(true);
      }),
    );
  });

  test("reads all inputs once for up to 32 outputs", () => {
    const block = { rows: 100, cols: 101 };
    const plan = planCombine(ones(32, 10), block, device);
    expect(plan).toMatchObject({
      blockStrideElements: 10_100,
      vectorWidth: 4,
      outputsPerPass: 32,
    });
    expect(plan.tiles).toHaveLength(1);
    expect(planCombine(ones(33, 10), block, device).tiles.map((tile) => tile.outputs)).toEqual([
      { first: 0, count: 17 },
      { first: 17, count: 16 },
    ]);
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
  });
});

const anyJob = fc
  .record({
    rows: fc.integer({ min: 1, max: 70 }),
    cols: fc.integer({ min: 1, max: 40 }),
    block: fc.record({
      rows: fc.integer({ min: 1, max: 20 }),
      cols: fc.integer({ min: 1, max: 20 }),
    }),
    gap: fc.option(fc.nat(20), { nil: undefined }),
    offsets: fc.record({ inputs: fc.nat(80), outputs: fc.nat(80) }),
    maxOutputsPerPass: fc.integer({ min: 1, max: 32 }),
    bindingWords: fc.integer({ min: 64, max: 1500 }),
    alignment: fc.constantFrom(32, 256),
    workgroups: fc.constantFrom(1, 65_535),
  })
  .map(({ gap, bindingWords, alignment, workgroups, offsets, maxOutputsPerPass, ...job }) => ({
    ...job,
    options: {
      offsets,
      maxOutputsPerPass,
      ...(gap === undefined ? {} : { blockStrideElements: job.block.rows * job.block.cols + gap }),
    },
    device: limitsWith({
      maxStorageBufferBindingSize: 4 * bindingWords,
      minStorageBufferOffsetAlignment: alignment,
      maxComputeWorkgroupsPerDimension: workgroups,
    }),
  }));

/** True when the tiles add every weighted input to every element of every output once, in order. */
function isEverySumInOrder({ table, outputs, tiles }: CombinePlan): boolean {
  const added = new Uint8Array(table.rows * outputs.cols); // how many inputs each element has
  for (const tile of tiles) {
    if (tile.accumulate !== tile.inputs.first > 0) return false;
    for (let r = tile.outputs.first; r < tile.outputs.first + tile.outputs.count; r++) {
      const begin = r * outputs.cols + tile.elements.first;
      for (let at = begin; at < begin + tile.elements.count; at++) {
        if (added[at] !== tile.inputs.first) return false;
        added[at]! += tile.inputs.count;
      }
    }
  }
  return added.every((count) => count === table.cols);
}

/** What a tile asks for beyond the limits, and windows that do not hold exactly what it touches. */
function brokenLimits(plan: CombinePlan, tile: CombineTile, limits: KernelLimits): string[] {
  const broken: string[] = [];
  if (tile.workgroups[0] > limits.maxComputeWorkgroupsPerDimension) {
    broken.push(`workgroups ${tile.workgroups}`);
  }
  if (tile.outputs.count > plan.outputsPerPass || tile.elements.count % plan.vectorWidth !== 0) {
    broken.push(`outputs or elements ${JSON.stringify(tile)}`);
  }
  for (const { offsetBytes, sizeBytes } of [tile.weights, tile.x, tile.y]) {
    const aligned = offsetBytes % limits.minStorageBufferOffsetAlignment === 0;
    if (!aligned || sizeBytes > limits.maxStorageBufferBindingSize) {
      broken.push(`window ${JSON.stringify(tile)}`);
    }
  }
  for (const [window, stack, blocks] of [
    [tile.x, plan.inputs, tile.inputs],
    [tile.y, plan.outputs, tile.outputs],
  ] as const) {
    const first = stack.offset + blocks.first * plan.blockStrideElements + tile.elements.first;
    const span = (blocks.count - 1) * plan.blockStrideElements + tile.elements.count;
    if (
      window.offsetBytes / 4 + window.base !== first ||
      (window.offsetBytes + window.sizeBytes) / 4 !== first + span ||
      window.base % plan.vectorWidth !== 0
    ) {
      broken.push(`blocks ${JSON.stringify(tile)}`);
    }
  }
  return broken;
}
