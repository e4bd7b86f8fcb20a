import { expect, test } from "vitest";

import { ClosedError, ShapeError } from "../../src/core/errors.ts";
import { gamma } from "../../src/core/float32.ts";
import type { Matrix } from "../../src/core/matrix.ts";
import { seededRandom } from "../../src/core/random.ts";
import { prepareGemm } from "../../src/kernels/gemm/gemm.ts";
import { planGemm } from "../../src/kernels/gemm/gemm-plan.ts";
import { HALF_ROUNDOFF, toHalves } from "../../src/kernels/halves/halves.ts";
import { planHalves, prepareHalves } from "../../src/kernels/halves/halves-convert.ts";
import { splitReference } from "../../src/kernels/halves/halves-reference.ts";
import { planSplit, prepareSplit } from "../../src/kernels/halves/halves-split.ts";
import { extentBytes } from "../../src/kernels/tiling.ts";
import { download, upload, withoutValidationError } from "../support/buffers.ts";
import { describeGpu } from "../support/gpu.ts";
import { limitsOf } from "../support/limits.ts";
import {
  multiplyMagnitudes64,
  multiplyReference64,
  randomMatrix,
  withRowStride,
  worstDeviation,
} from "../support/matrices.ts";

describeGpu("halves on the device", (device) => {
  test.each([
    { rows: 1, cols: 1 },
    { rows: 3, cols: 5 },
    { rows: 64, cols: 64 },
    {
      rows: 37,
      cols: 29,
      options: { strides: { floats: 31, halves: 30 }, offsets: { floats: 3 } },
    },
    { rows: 5, cols: 8, options: { offsets: { halves: 6 } } },
  ])("are the bits of toHalves for $rows×$cols", async ({ rows, cols, options }) => {
    expect(await wrongHalves(device, { rows, cols }, device, options)).toEqual([]);
  });

  test.each([
    { rows: 9, cols: 300 }, // a row exceeds a binding
    { rows: 300, cols: 9 },
  ])("are made in parts of $rows×$cols where bindings are 512 bytes", async (shape) => {
    const small = limitsOf(device, {
      maxStorageBufferBindingSize: 512,
      maxComputeWorkgroupsPerDimension: 8,
    });
    const options = { offsets: { floats: 7, halves: 2 } };
    expect(planHalves(shape, small, options).tiles.length).toBeGreaterThan(1);
    expect(await wrongHalves(device, shape, small, options)).toEqual([]);
  });

  test("are refused where they would begin in the middle of a word", () => {
    const shape = { rows: 3, cols: 5 };
    expect(() => planHalves(shape, device, { strides: { halves: 5 } })).toThrow(ShapeError);
    expect(() => planHalves(shape, device, { offsets: { halves: 1 } })).toThrow(ShapeError);
  });

  test("need long enough buffers and an open plan", async () => {
    const prepared = await prepareHalves(device, planHalves({ rows: 4, cols: 8 }, device));
    const floats = upload(device, new Float32Array(32));
    const short = upload(device, new Float32Array(15));
    const encoder = device.createCommandEncoder();
    expect(() => prepared.record(encoder, { floats, halves: short })).toThrow(ShapeError);
    expect(() => prepared.record(encoder, { floats: short, halves: floats })).toThrow(ShapeError);
    prepared[Symbol.dispose]();
    const halves = upload(device, new Float32Array(16));
    expect(() => prepared.record(encoder, { floats, halves })).toThrow(ClosedError);
  });
});

describeGpu("gemm of precision f16", (device) => {
  test("multiplies operands that were rounded on the device, within the bound of both", async () => {
    const { m, k, n } = { m: 29, k: 60, n: 35 };
    const a = randomMatrix(m, k, "a");
    const b = randomMatrix(k, n, "b");
    const plans = {
      a: planHalves({ rows: m, cols: k }, device),
      b: planHalves({ rows: k, cols: n }, device),
    };
    const strides = { a: plans.a.halves.rowStride, b: plans.b.halves.rowStride };
    const plan = planGemm({ m, k, n }, device, { precision: "f16", strides });
    const space = (bytes: number) => upload(device, new Float32Array(bytes / 4));
    const halves = { a: space(extentBytes(plan.a)), b: space(extentBytes(plan.b)) };
    const c = upload(device, new Float32Array(m * n));
    await withoutValidationError(device, async () => {
      using roundA = await prepareHalves(device, plans.a);
      using roundB = await prepareHalves(device, plans.b);
      using gemm = await prepareGemm(device, plan);
      const encoder = device.createCommandEncoder();
      roundA.record(encoder, { floats: upload(device, a.data), halves: halves.a });
      roundB.record(encoder, { floats: upload(device, b.data), halves: halves.b });
      gemm.record(encoder, { ...halves, c });
      device.queue.submit([encoder.finish()]);
    });
    const product = { rows: m, cols: n, rowStride: n, data: await download(device, c) };
    // Rounding A and B costs 2u + u² of |A||B|, u = 2^-11. For elements below 2^-14, of which there are
    // few here, 2^-14 each covers rounding and being taken for 0.
    const small = [a, b].flatMap(({ data }) => [...data]).filter((x) => Math.abs(x) < 2 ** -14);
    const factor = (1 + gamma(plan.roundings)) * (1 + HALF_ROUNDOFF) ** 2 - 1;
    const scale = multiplyMagnitudes64(a, b);
    const widened = {
      ...scale,
      data: scale.data.map((x) => x + (small.length * 2 ** -14) / factor),
    };
    const exact = multiplyReference64(a, b);
    expect(small.length).toBeLessThan(5);
    expect(worstDeviation(product, exact, { factor, scale: widened })).toBeLessThanOrEqual(1);
    expect(worstDeviation(product, exact, { factor, scale })).toBeGreaterThan(2 ** -8);
  });
});

describeGpu("pairs of halves on the device", (device) => {
  const shapes = [
    { rows: 1, cols: 1 },
    { rows: 5, cols: 19 },
    { rows: 64, cols: 64 },
    { rows: 70, cols: 131 },
    { rows: 300, cols: 3 },
    { rows: 2, cols: 4200 },
  ];
  for (const by of ["rows", "columns"] as const) {
    test.each(shapes)(`by ${by} are the bits of the reference for $rows×$cols`, async (shape) => {
      const x = awkward(shape.rows, shape.cols, by);
      await expectReference(device, { x, by, rowStride: shape.cols, offset: 0 });
    });

    test(`by ${by} do not depend on how the matrix lies and is cut`, async () => {
      const small = limitsOf(device, {
        maxStorageBufferBindingSize: 1024,
        maxComputeWorkgroupsPerDimension: 4,
      });
      const x = awkward(45, 300, by);
      await expectReference(device, { x, by, rowStride: 307, offset: 11, planFor: small });
    });

    test(`by ${by} have scales of their own in every matrix of a batch`, async () => {
      const [rows, cols] = [6, 11];
      const items = [1, 2, 3].map((seed) => awkward(rows, cols, by, seed));
      const elements = new Float32Array(3 * 70).fill(Number.NaN);
      for (const [i, item] of items.entries()) elements.set(item.data, 70 * i);
      const batch = { count: 3, stride: 70 };
      const floats = { rows, cols, rowStride: cols, offset: 0, batch };
      const { halves, maxima } = await splitOnDevice(device, { floats, by, elements });
      const references = items.map((item) => splitReference(item, by));
      expect(halves).toEqual(join(references.map((reference) => reference.halves)));
      expect(maxima).toEqual(join(references.map((reference) => reference.maxima)));
    });
  }

  test("of a matrix that all products share are made once", () => {
    const shared = { rows: 4, cols: 8, rowStride: 8, offset: 0, batch: { count: 5, stride: 0 } };
    const plan = planSplit("a", shared, "rows", device.limits);
    expect(plan.tiles).toHaveLength(1);
    expect(plan.halves.batch?.stride).toBe(0);
  });

  test("forget the matrix before", async () => {
    const floats = { rows: 1, cols: 8, rowStride: 8, offset: 0 };
    using split = await prepareSplit(device, planSplit("a", floats, "rows", device.limits));
    for (const scale of [1e30, 1e-30]) {
      const x = { ...floats, data: Float32Array.from({ length: 8 }, (_, i) => i * scale) };
      const encoder = device.createCommandEncoder();
      split.record(encoder, upload(device, x.data));
      device.queue.submit([encoder.finish()]);
      const halves = new Uint16Array((await download(device, split.halves)).buffer);
      expect(halves).toEqual(splitReference(x, "rows").halves);
    }
  });

  test("need a long enough buffer and an open plan", async () => {
    const floats = { rows: 2, cols: 8, rowStride: 8, offset: 0 };
    const split = await prepareSplit(device, planSplit("a", floats, "rows", device.limits));
    const encoder = device.createCommandEncoder();
    expect(() => split.record(encoder, upload(device, new Float32Array(15)))).toThrow(ShapeError);
    split[Symbol.dispose]();
    expect(() => split.record(encoder, upload(device, new Float32Array(16)))).toThrow(ClosedError);
  });
});

/** Rounds awkward numbers on the device; descriptions of those elements that differ from `toHalves`. */
async function wrongHalves(
  device: GPUDevice,
  shape: { readonly rows: number; readonly cols: number },
  planFor: Parameters<typeof planHalves>[1],
  options: Parameters<typeof planHalves>[2] = {},
): Promise<string[]> {
  const plan = planHalves(shape, planFor, options);
  const { rows, cols } = shape;
  const x = awkward(rows, cols, "halves");
  const { rowStride, offset } = plan.floats;
  const laid = new Float32Array(offset + rows * rowStride).fill(Number.NaN);
  laid.set(withRowStride(x, rowStride).data, offset);
  const buffers = {
    floats: upload(device, laid),
    halves: upload(device, new Float32Array(extentBytes(plan.halves) / 4)),
  };
  await withoutValidationError(device, async () => {
    using prepared = await prepareHalves(device, plan);
    const encoder = device.createCommandEncoder();
    prepared.record(encoder, buffers);
    device.queue.submit([encoder.finish()]);
  });
  const found = new Uint16Array((await download(device, buffers.halves)).buffer);
  const expected = toHalves(x.data);
  const wrong: string[] = [];
  for (let at = 0; at < expected.length; at++) {
    const row = Math.floor(at / cols);
    const half = found[plan.halves.offset + row * plan.halves.rowStride + (at % cols)]!;
    const same = half === expected[at]! || (isNaNHalf(half) && isNaNHalf(expected[at]!));
    if (!same) wrong.push(`${x.data[at]}: ${half}, not ${expected[at]}`);
  }
  return wrong;
}

function isNaNHalf(bits: number): boolean {
  return (bits & 0x7fff) > 0x7c00;
}

/** Splits `x` on the device and expects what the reference says, bit for bit. */
async function expectReference(
  device: GPUDevice,
  job: {
    readonly x: Matrix;
    readonly by: "rows" | "columns";
    readonly rowStride: number;
    readonly offset: number;
    readonly planFor?: Parameters<typeof planHalves>[1];
  },
): Promise<void> {
  const { x, by, rowStride, offset, planFor = device } = job;
  const floats = { rows: x.rows, cols: x.cols, rowStride, offset };
  const elements = new Float32Array(offset + x.rows * rowStride).fill(Number.NaN);
  elements.set(withRowStride(x, rowStride).data, offset);
  const { halves, maxima } = await splitOnDevice(device, { floats, by, elements, planFor });
  const reference = splitReference(x, by);
  expect(halves).toEqual(reference.halves);
  expect(maxima).toEqual(reference.maxima);
}

async function splitOnDevice(
  device: GPUDevice,
  job: {
    readonly floats: Parameters<typeof planSplit>[1];
    readonly by: "rows" | "columns";
    readonly elements: Float32Array;
    readonly planFor?: Parameters<typeof planHalves>[1];
  },
): Promise<{ readonly halves: Uint16Array; readonly maxima: Uint32Array }> {
  const { floats, by, elements, planFor = device } = job;
  return withoutValidationError(device, async () => {
    using split = await prepareSplit(device, planSplit("a", floats, by, planFor.limits));
    const encoder = device.createCommandEncoder();
    split.record(encoder, upload(device, elements));
    device.queue.submit([encoder.finish()]);
    return {
      halves: new Uint16Array((await download(device, split.halves)).buffer),
      maxima: new Uint32Array((await download(device, split.maxima)).buffer),
    };
  });
}

function join<T extends Uint16Array | Uint32Array>(parts: readonly T[]): T {
  const bytes = parts.flatMap((part) => [...part]);
  return (parts[0] instanceof Uint16Array ? Uint16Array.from(bytes) : Uint32Array.from(bytes)) as T;
}

/**
 * Bits drawn evenly: every exponent of float32, subnormals, ties and, in the first matrices' halves, NaN
 * and ±Inf. For pairs most lines are of one magnitude, some hold what is not finite, one is 0.
 */
function awkward(rows: number, cols: number, use: string, seed = 0): Matrix {
  const random = seededRandom("awkward", use, rows, cols, seed);
  const bits = new Uint32Array(rows * cols);
  for (let at = 0; at < bits.length; at++) {
    const line = use === "columns" ? at % cols : Math.floor(at / cols);
    bits[at] = Math.floor(random() * 2 ** 32);
    if (use === "halves") {
      if (random() < 0.5) bits[at] = (bits[at]! & 0x807fffff) | ((96 + (at % 50)) << 23);
      if (random() < 0.3) bits[at] = bits[at]! & 0xfffff000;
      continue;
    }
    const wild = line % 5 === 3;
    const exponent = line % 7 === 6 ? Math.floor(random() * 3) : 10 + ((line * 37) % 230);
    if (!wild) bits[at] = (bits[at]! & 0x807fffff) | (Math.max(0, exponent - (at % 37)) << 23);
    if (!wild && random() < 0.2) bits[at] = bits[at]! & 0xfffff800;
    if (line % 11 === 5) bits[at] = 0;
  }
  return { rows, cols, rowStride: cols, data: new Float32Array(bits.buffer) };
}
