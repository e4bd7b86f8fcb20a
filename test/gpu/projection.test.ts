import { expect, test } from "vitest";

import { ClosedError, DeviceLimitError, InputError, ShapeError } from "../../src/core/errors.ts";
import { gamma } from "../../src/core/float32.ts";
import type { Matrix } from "../../src/core/matrix.ts";
import { prepareProjection } from "../../src/kernels/reductions/projection.ts";
import {
  type ProjectionOptions,
  type ProjectionPlan,
  planProjection,
} from "../../src/kernels/reductions/projection-plan.ts";
import { projectionReference } from "../../src/kernels/reductions/projection-reference.ts";
import { extentBytes } from "../../src/kernels/tiling.ts";
import { download, upload, withoutValidationError } from "../support/buffers.ts";
import { describeGpu } from "../support/gpu.ts";
import { limitsOf } from "../support/limits.ts";
import { randomFloats } from "../support/matrices.ts";

describeGpu("projection", (device) => {
  test.each([
    { rows: 1, cols: 1 },
    { rows: 1, cols: 300, vectors: 4 },
    { rows: 70, cols: 1, vectors: 2 },
    { rows: 33, cols: 47, vectors: 3 },
    { rows: 64, cols: 64, vectors: 4 },
    { rows: 130, cols: 1500 },
    { rows: 9, cols: 20, rowStride: 31, vectors: 2, offsets: { x: 5, r: 67, y: 2 } },
  ])("multiplies by vectors within γ |X||r|: %j", async ({ rows, cols, ...options }) => {
    for (const changes of [
      {},
      { maxStorageBufferBindingSize: 1024 },
      { maxComputeWorkgroupsPerDimension: 1 },
    ]) {
      const plan = planProjection({ rows, cols }, limitsOf(device, changes), options);
      expect(deviation(plan, await run(device, plan))).toBeLessThanOrEqual(1);
    }
  });

  test("gives the same bits for the same operands", async () => {
    const plan = planProjection({ rows: 50, cols: 900 }, device, { vectors: 2 });
    const first = await run(device, plan);
    const again = await run(device, plan);
    expect([...again.y]).toEqual([...first.y]);
  });

  test("refuses what it cannot plan, short buffers and use after disposal", async () => {
    const shape = { rows: 4, cols: 5 };
    const plan = (options: ProjectionOptions) => () => planProjection(shape, device, options);
    expect(() => planProjection({ rows: 0, cols: 5 }, device)).toThrow(ShapeError);
    expect(plan({ rowStride: 4 })).toThrow(ShapeError);
    expect(plan({ vectors: 5 })).toThrow(InputError);
    expect(plan({ vectors: 0 })).toThrow(InputError);
    expect(plan({ offsets: { r: -1 } })).toThrow(InputError);
    expect(plan({ rowStride: 2 ** 40 })).toThrow(DeviceLimitError);
    const tiny = limitsOf(device, {
      maxStorageBufferBindingSize: 260,
      minStorageBufferOffsetAlignment: 256,
    });
    expect(() => planProjection({ rows: 1, cols: 9 }, tiny)).toThrow(DeviceLimitError);

    const projection = await prepareProjection(device, planProjection(shape, device));
    const buffer = (length: number) => upload(device, new Float32Array(length));
    const [x, r, y] = [buffer(20), buffer(5), buffer(4)];
    const encoder = device.createCommandEncoder();
    expect(() => projection.record(encoder, { x, r: y, y: r })).toThrow(ShapeError);
    projection[Symbol.dispose]();
    expect(() => projection.record(encoder, { x, r, y })).toThrow(ClosedError);
  });
});

interface Projected {
  readonly x: Float32Array;
  readonly r: Float32Array;
  /** NaN where nothing was written. */
  readonly y: Float32Array;
}

async function run(device: GPUDevice, plan: ProjectionPlan): Promise<Projected> {
  const x = poisoned(plan.x, randomFloats(extentBytes(plan.x) / 4, "x"));
  const signs = randomFloats(extentBytes(plan.r) / 4, "r").map(Math.sign);
  const r = poisoned(plan.r, signs);
  return withoutValidationError(device, async () => {
    using projection = await prepareProjection(device, plan);
    const length = extentBytes(plan.y) / 4 + 3;
    const buffers = {
      x: upload(device, x),
      r: upload(device, r),
      y: upload(device, new Float32Array(length).fill(Number.NaN)),
    };
    const encoder = device.createCommandEncoder();
    projection.record(encoder, buffers);
    device.queue.submit([encoder.finish()]);
    const y = await download(device, buffers.y);
    for (const buffer of Object.values(buffers)) buffer.destroy();
    return { x, r, y };
  });
}

/** NaN in the place of all that is no element. */
function poisoned(stored: ProjectionPlan["x"], values: Float32Array): Float32Array {
  const { cols, rowStride, offset } = stored;
  return values.map((value, at) =>
    at >= offset && (at - offset) % rowStride < cols ? value : Number.NaN,
  );
}

/** The worst element as a multiple of its bound; infinite where anything else was written. */
function deviation(plan: ProjectionPlan, { x, r, y }: Projected): number {
  const matrixOf = ({ rows, cols, rowStride, offset }: ProjectionPlan["x"], data: Float32Array) =>
    ({ rows, cols, rowStride, data: data.subarray(offset) }) satisfies Matrix;
  const magnitude = (matrix: Matrix) => ({ ...matrix, data: matrix.data.map(Math.abs) });
  const [left, right] = [matrixOf(plan.x, x), matrixOf(plan.r, r)];
  const exact = projectionReference(left, right);
  const scale = projectionReference(magnitude(left), magnitude(right));
  const ratios = [...exact].map((value, at) => {
    const difference = Math.abs(y[plan.y.offset + at]! - value);
    return difference === 0 ? 0 : difference / (gamma(plan.roundings) * scale[at]!);
  });
  const end = plan.y.offset + exact.length;
  const others = y.filter((_, at) => at < plan.y.offset || at >= end);
  return others.every(Number.isNaN) ? Math.max(...ratios) : Number.POSITIVE_INFINITY;
}
