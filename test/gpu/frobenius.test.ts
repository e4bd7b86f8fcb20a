import { expect, test } from "vitest";

import { cut } from "../../src/core/blocks.ts";
import { ClosedError, DeviceLimitError, InputError, ShapeError } from "../../src/core/errors.ts";
import { gamma } from "../../src/core/float32.ts";
import type { Matrix } from "../../src/core/matrix.ts";
import { prepareFrobenius } from "../../src/kernels/reductions/frobenius.ts";
import {
  type FrobeniusOptions,
  type FrobeniusPlan,
  planFrobenius,
} from "../../src/kernels/reductions/frobenius-plan.ts";
import { frobeniusReference } from "../../src/kernels/reductions/frobenius-reference.ts";
import { extentBytes } from "../../src/kernels/tiling.ts";
import { download, upload, withoutValidationError } from "../support/buffers.ts";
import { describeGpu } from "../support/gpu.ts";
import { limitsOf } from "../support/limits.ts";
import { randomFloats } from "../support/matrices.ts";

describeGpu("frobenius", (device) => {
  test.each([
    { block: { rows: 1, cols: 1 } },
    { block: { rows: 7, cols: 13 } },
    { block: { rows: 64, cols: 64 } },
    { block: { rows: 300, cols: 257 } },
    { block: { rows: 5, cols: 3 }, count: 6 },
    { block: { rows: 8, cols: 8 }, count: 3, blockStrideElements: 72 },
    { block: { rows: 8, cols: 8 }, count: 3, blockStrideElements: 65, offsets: { input: 3 } },
    { block: { rows: 9, cols: 4 }, count: 2, offsets: { input: 4, norms: 70 } },
    { block: { rows: 4, cols: 8 }, count: 6, grid: { rows: 8, cols: 24, gridCols: 3 } },
    { block: { rows: 4, cols: 8 }, count: 6, grid: { rows: 7, cols: 19, gridCols: 3 } },
    {
      block: { rows: 5, cols: 6 },
      count: 12, // of which the last row and column lie beyond the edge
      grid: { rows: 9, cols: 17, rowStride: 20, gridCols: 4 },
      offsets: { input: 2 },
    },
  ])("sums squares within γ of them: %j", async ({ block, ...options }) => {
    for (const changes of [
      {},
      { maxStorageBufferBindingSize: 4096 },
      { maxComputeWorkgroupsPerDimension: 1 },
    ]) {
      const plan = planFrobenius(block, limitsOf(device, changes), options);
      const { input, norms } = await run(device, plan);
      expect(deviation(plan, options, input, norms)).toBeLessThanOrEqual(1);
    }
  });

  test("gives the same bits for the same block, wherever it is stacked", async () => {
    const plan = planFrobenius({ rows: 70, cols: 60 }, device, { count: 2 });
    const block = randomFloats(4200, "twice");
    const input = new Float32Array([...block, ...block]);
    const first = await run(device, plan, input);
    const again = await run(device, plan, input);
    expect([...again.norms]).toEqual([...first.norms]);
    expect(first.norms[0]).toBe(first.norms[1]);
  });

  test("takes elements whose squares float32 cannot hold when it is told a scale", async () => {
    const block = { rows: 10, cols: 12 };
    for (const [size, scale] of [
      [2 ** 100, 2 ** -100],
      [2 ** -100, 2 ** 100],
    ] as const) {
      const input = randomFloats(120, "extreme").map((value) => value * size);
      const plan = planFrobenius(block, device, { scale });
      const { norms } = await run(device, plan, input);
      expect(deviation(plan, { scale }, input, norms)).toBeLessThanOrEqual(1);
    }
  });

  test("lets NaN and infinity through", async () => {
    const plan = planFrobenius({ rows: 4, cols: 4 }, device, { count: 3 });
    const input = randomFloats(48, "special");
    input[5] = Number.NaN;
    input[20] = Number.NEGATIVE_INFINITY;
    const { norms } = await run(device, plan, input);
    expect([...norms.subarray(0, 2)]).toEqual([Number.NaN, Number.POSITIVE_INFINITY]);
    expect(Number.isFinite(norms[2])).toBe(true);
  });

  test("refuses what it cannot plan, short buffers and use after disposal", async () => {
    const block = { rows: 4, cols: 4 };
    const plan = (options: FrobeniusOptions) => () => planFrobenius(block, device, options);
    expect(plan({ count: 0 })).toThrow(ShapeError);
    expect(plan({ count: 2, blockStrideElements: 15 })).toThrow(ShapeError);
    expect(plan({ grid: { rows: 5, cols: 4, gridCols: 1 } })).toThrow(ShapeError);
    expect(plan({ scale: 3 })).toThrow(InputError);
    expect(plan({ scale: 2 ** 200 })).toThrow(InputError);
    expect(plan({ offsets: { norms: -1 } })).toThrow(InputError);
    expect(plan({ offsets: { input: 0.5 } })).toThrow(InputError);
    const tiny = limitsOf(device, {
      maxStorageBufferBindingSize: 260,
      minStorageBufferOffsetAlignment: 256,
    });
    expect(() => planFrobenius({ rows: 9, cols: 9 }, tiny)).toThrow(DeviceLimitError);

    const norm = await prepareFrobenius(device, planFrobenius(block, device));
    const [long, short] = [
      upload(device, new Float32Array(16)),
      upload(device, new Float32Array(15)),
    ];
    const encoder = device.createCommandEncoder();
    expect(() => norm.record(encoder, { input: short, norms: long })).toThrow(ShapeError);
    norm[Symbol.dispose]();
    expect(() => norm.record(encoder, { input: long, norms: short })).toThrow(ClosedError);
  });
});

/** Runs a plan on `input`; random elements in the blocks and NaN around them if it is not given. */
async function run(
  device: GPUDevice,
  plan: FrobeniusPlan,
  input: Float32Array = poisoned(plan),
): Promise<{ readonly input: Float32Array; readonly norms: Float32Array }> {
  return withoutValidationError(device, async () => {
    using norm = await prepareFrobenius(device, plan);
    const length = extentBytes(plan.norms) / 4 + 2;
    const buffers = {
      input: upload(device, input),
      norms: upload(device, new Float32Array(length).fill(Number.NaN)),
    };
    const encoder = device.createCommandEncoder();
    norm.record(encoder, buffers);
    device.queue.submit([encoder.finish()]);
    const norms = await download(device, buffers.norms);
    for (const buffer of Object.values(buffers)) buffer.destroy();
    return { input, norms };
  });
}

function poisoned({ input: { rows, cols, rowStride, offset } }: FrobeniusPlan): Float32Array {
  const values = randomFloats(offset + rows * rowStride, "norm");
  const isElement = (at: number) => at >= offset && (at - offset) % rowStride < cols;
  return values.map((value, at) => (isElement(at) ? value : Number.NaN));
}

/** The worst norm as a multiple of its bound; infinite where anything else was written. */
function deviation(
  plan: FrobeniusPlan,
  { grid, scale = 1 }: FrobeniusOptions,
  input: Float32Array,
  norms: Float32Array,
): number {
  const { offset, rowStride } = plan.input;
  const blocks = grid
    ? cut(
        { ...grid, rowStride, data: input.subarray(offset) },
        { gridRows: plan.count / grid.gridCols, gridCols: grid.gridCols, block: plan.block },
      )
    : Array.from({ length: plan.count }, (_, b): Matrix => {
        const data = input.subarray(offset + b * rowStride);
        return { ...plan.block, rowStride: plan.block.cols, data };
      });
  const ratios = blocks.map((block, b) => {
    const exact = scale * scale * frobeniusReference(block);
    const difference = Math.abs(norms[plan.norms.offset + b]! - exact);
    return difference === 0 ? 0 : difference / (gamma(plan.roundings) * exact);
  });
  const others = norms.filter(
    (_, at) => at < plan.norms.offset || at >= plan.norms.offset + plan.count,
  );
  return others.every(Number.isNaN) ? Math.max(...ratios) : Number.POSITIVE_INFINITY;
}
