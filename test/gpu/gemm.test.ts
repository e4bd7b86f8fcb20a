import { expect, test } from "vitest";

import { ClosedError, InputError, ShapeError } from "../../src/core/errors.ts";
import { prepareGemm } from "../../src/kernels/gemm/gemm.ts";
import { gemmKernels } from "../../src/kernels/gemm/gemm-families.ts";
import type { GemmShape } from "../../src/kernels/gemm/gemm-family.ts";
import { planGemm } from "../../src/kernels/gemm/gemm-plan.ts";
import { compiledPipeline } from "../../src/kernels/pipelines.ts";
import { download, upload } from "../support/buffers.ts";
import { deviation, multiply, runnableFamilies } from "../support/gemm.ts";
import { describeGpu } from "../support/gpu.ts";
import { limitsOf } from "../support/limits.ts";
import { randomFloats } from "../support/matrices.ts";

describeGpu("gemm", (device) => {
  const families = runnableFamilies(device);

  const shapes: readonly GemmShape[] = [
    { m: 1, k: 1, n: 1 },
    { m: 1, k: 1000, n: 1 },
    { m: 257, k: 1, n: 3 },
    { m: 3, k: 5, n: 257 },
    { m: 2, k: 3, n: 5 },
    { m: 7, k: 11, n: 13 },
    { m: 17, k: 19, n: 23 },
    { m: 29, k: 31, n: 37 },
    { m: 41, k: 43, n: 47 },
    { m: 53, k: 59, n: 61 },
    { m: 67, k: 16, n: 67 },
    { m: 32, k: 16, n: 32 },
    { m: 64, k: 64, n: 64 },
    { m: 33, k: 17, n: 31 },
  ];
  for (const family of families) {
    test.each(shapes)(`${family} multiplies $m×$k×$n within γ_k|A||B|`, async (shape) => {
      expect(await deviation(device, shape, { family })).toBeLessThanOrEqual(1);
    });

    test.each([
      { transposeA: true },
      { transposeB: true },
      { transposeA: true, transposeB: true },
      { accumulate: true },
      { strides: { a: 40, b: 50, c: 60 } },
      { offsets: { a: 1, b: 67, c: 130 } },
      {
        transposeA: true,
        transposeB: true,
        accumulate: true,
        strides: { a: 38, b: 30, c: 35 },
        offsets: { a: 5, b: 6, c: 7 },
      },
    ])(`${family} multiplies with %j`, async (options) => {
      const shape = { m: 37, k: 29, n: 33 };
      expect(await deviation(device, shape, { family, ...options })).toBeLessThanOrEqual(1);
    });

    test.each([
      { m: 64, k: 1, n: 67 },
      { m: 1, k: 40, n: 66 },
      { m: 65, k: 34, n: 1 },
    ])(`${family} multiplies $m×$k×$n with operands stored as lines, either way`, async (shape) => {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const options = { family, transposeA, transposeB };
          expect(await deviation(device, shape, options)).toBeLessThanOrEqual(1);
        }
      }
    });

    // Octets that are whole need no copy, which would have to fit a binding.
    const octets = gemmKernels[family].octets ?? false;
    test.each(
      octets
        ? [
            { m: 40, k: 304, n: 24 },
            { m: 40, k: 48, n: 304 },
            { m: 600, k: 8, n: 16 },
          ]
        : [
            { m: 9, k: 300, n: 7 }, // a row of A exceeds a binding: k is cut
            { m: 5, k: 7, n: 300 }, // a row of B and of C exceeds a binding: n is cut
            { m: 30, k: 21, n: 26 },
            { m: 300, k: 3, n: 2 },
          ],
    )(`${family} tiles $m×$k×$n past short bindings`, async (shape) => {
      const small = limitsOf(device, { maxStorageBufferBindingSize: octets ? 16_384 : 1024 });
      const plain = { family, offsets: octets ? { a: 8, b: 72, c: 9 } : { a: 3, b: 70, c: 9 } };
      expect(planGemm(shape, small, plain).tiles.length).toBeGreaterThan(1);
      expect(await deviation(device, shape, plain, small)).toBeLessThanOrEqual(1);
      const other = octets ? {} : { transposeA: true, transposeB: true };
      const flipped = { ...plain, ...other, accumulate: true };
      expect(await deviation(device, shape, flipped, small)).toBeLessThanOrEqual(1);
    });

    test(`${family} tiles past the number of workgroups and a limit of work`, async () => {
      const few = limitsOf(device, { maxComputeWorkgroupsPerDimension: 1 });
      const shape = octets ? { m: 72, k: 48, n: 72 } : { m: 70, k: 50, n: 66 };
      const options = { family, maxFlopsPerPass: 40_000 };
      expect(await deviation(device, shape, options, few)).toBeLessThanOrEqual(1);
    });
  }

  test("does not depend on how k is tiled, to the last bit", async () => {
    const shape = { m: 33, k: 100, n: 35 };
    const whole = await multiply(device, shape, { family: "tiled" });
    const cut = await multiply(device, shape, { family: "tiled", maxFlopsPerPass: 1 });
    expect(cut.plan.tiles.length).toBeGreaterThan(whole.plan.tiles.length);
    expect(cut.c.data).toEqual(whole.c.data);
  });

  test("keeps what lies between the rows of C and around them", async () => {
    const shape = { m: 5, k: 4, n: 3 };
    const { filled, first } = await multiply(device, shape, {
      family: "tiled",
      strides: { c: 8 },
      offsets: { c: 6 },
    });
    const outside = filled.filter((_, at) => at < first || (at - first) % 8 >= 3);
    expect(outside.length).toBeGreaterThan(10);
    expect(new Set(outside)).toEqual(new Set([Number.NaN]));
  });

  test("serves several products, recorded whole or tile by tile", async () => {
    const shape = { m: 40, k: 20, n: 40 };
    const plan = planGemm(shape, device, { maxFlopsPerPass: 1 });
    using gemm = await prepareGemm(device, plan);
    for (const seed of [1, 2]) {
      const buffers = {
        a: upload(device, randomFloats(40 * 20, "a", seed)),
        b: upload(device, randomFloats(20 * 40, "b", seed)),
        c: upload(device, new Float32Array(40 * 40)),
      };
      const tiled = { ...buffers, c: upload(device, new Float32Array(40 * 40)) };
      const encoder = device.createCommandEncoder();
      gemm.record(encoder, buffers);
      plan.tiles.forEach((_, i) => void gemm.recordTile(encoder, tiled, i));
      device.queue.submit([encoder.finish()]);
      const c = await download(device, buffers.c);
      expect(c.some((value) => value !== 0)).toBe(true);
      expect(await download(device, tiled.c)).toEqual(c);
    }
  });

  test("compiles a kernel once for a device, and tries again after a failure", async () => {
    const { code } = gemmKernels.naive;
    const constants = { THREADS_M: 2, THREADS_N: 2 };
    const source = { code, entryPoint: "gemm_naive", constants };
    const first = await compiledPipeline(device, source);
    expect(await compiledPipeline(device, { ...source })).toBe(first);
    expect(await compiledPipeline(device, { ...source, constants: { THREADS_N: 4 } })).not.toBe(
      first,
    );

    const missing = { ...source, entryPoint: "missing" };
    const attempt = compiledPipeline(device, missing);
    await expect(attempt).rejects.toThrow();
    const again = compiledPipeline(device, missing);
    expect(again).not.toBe(attempt);
    await expect(again).rejects.toThrow();
  });

  test("refuses short buffers, tiles that are not there and use after disposal", async () => {
    const gemm = await prepareGemm(device, planGemm({ m: 4, k: 4, n: 4 }, device));
    const long = upload(device, new Float32Array(16));
    const some = { a: long, b: long } as { a: GPUBuffer; b: GPUBuffer; c: GPUBuffer };
    expect(() => gemm.record(device.createCommandEncoder(), some)).toThrow(
      /^buffer c must be a GPUBuffer, got undefined/,
    );
    const short = upload(device, new Float32Array(15));
    const encoder = device.createCommandEncoder();
    expect(() => gemm.record(encoder, { a: long, b: short, c: long })).toThrow(ShapeError);
    expect(() => gemm.recordTile(encoder, { a: long, b: long, c: long }, 1)).toThrow(InputError);
    gemm[Symbol.dispose]();
    expect(() => gemm.record(encoder, { a: long, b: long, c: long })).toThrow(ClosedError);
  });
});
