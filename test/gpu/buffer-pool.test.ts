import { describe, expect, test } from "vitest";

import {
  ClosedError,
  DeviceLimitError,
  DeviceLostError,
  InputError,
} from "../../src/core/errors.ts";
import { BufferPool, sizeClass } from "../../src/kernels/buffer-pool.ts";
import { openDevice } from "../../src/kernels/device/device.ts";
import { describeGpu, testDeviceKind } from "../support/gpu.ts";

const storage = 0x80 | 0x4; // GPUBufferUsage.STORAGE | COPY_SRC, which may not exist yet here

describe("sizeClass", () => {
  test("is a multiple of 256, holds what was asked and, above 1 KiB, wastes less than a quarter", () => {
    const sizes = [1, 255, 256, 257, 1024, 1025, 1280, 1281, 4095, 4096, 4097, 1e6, 2 ** 31 - 1];
    for (const size of [...sizes, 2 ** 32 + 1, 2 ** 40 + 1]) {
      const given = sizeClass(size);
      expect(given % 256, `${size}`).toBe(0);
      expect(given, `${size}`).toBeGreaterThanOrEqual(size);
      expect(given - size, `${size}`).toBeLessThan(Math.max(256, size / 4));
      expect(sizeClass(given), `${size}`).toBe(given);
    }
  });
});

describeGpu("BufferPool", (device) => {
  test("lends a released buffer again to whoever asks for its size class and usage", async () => {
    using pool = new BufferPool(device);
    const first = await pool.acquire(5000, storage, "first");
    expect(first).toMatchObject({ size: 5120, label: "first", usage: storage });
    pool.release(first);

    const again = await pool.acquire(4200, storage, "again");
    const larger = await pool.acquire(6000, storage);
    const otherUsage = await pool.acquire(5000, storage | GPUBufferUsage.COPY_DST);
    expect(again).toBe(first);
    expect(again.label).toBe("again");
    expect(new Set([again, larger, otherUsage]).size).toBe(3);
    expect(pool.stats).toEqual({
      liveBuffers: 3,
      liveBytes: 2 * 5120 + 6144,
      idleBuffers: 0,
      idleBytes: 0,
      createdBuffers: 3,
    });
  });

  test("never lends one buffer twice, however many ask at the same time", async () => {
    using pool = new BufferPool(device);
    pool.release(await pool.acquire(256, storage));
    const lent = await Promise.all([1, 2, 3].map(() => pool.acquire(256, storage)));
    expect(new Set(lent).size).toBe(3);
    expect(pool.stats).toMatchObject({ liveBuffers: 3, idleBuffers: 0, createdBuffers: 3 });
  });

  test("keeps no more idle than its cap, and lets go of what was idle longest", async () => {
    using pool = new BufferPool(device, { maxIdleBytes: 512 });
    const [a, b, c] = await Promise.all(["a", "b", "c"].map((l) => pool.acquire(256, storage, l)));
    for (const buffer of [a, b, c]) pool.release(buffer!);
    expect(pool.stats).toMatchObject({ idleBuffers: 2, idleBytes: 512, createdBuffers: 3 });
    expect(await pool.acquire(1, storage)).toBe(c);
    expect(await pool.acquire(1, storage)).toBe(b);
    expect(await pool.acquire(1, storage)).not.toBe(a);
  });

  test("gives idle buffers up for a new one before it refuses for want of budget", async () => {
    using pool = new BufferPool(device, { budgetBytes: 2048, maxIdleBytes: 2048 });
    pool.release(await pool.acquire(1024, storage));
    const large = await pool.acquire(1536, storage);
    expect(pool.stats).toMatchObject({ idleBuffers: 0, liveBytes: 1536 });

    const refused = pool.acquire(1024, storage, "C block");
    await expect(refused).rejects.toThrow(DeviceLimitError);
    await expect(refused).rejects.toThrow(/"C block" takes 1024 bytes, but 1536 .+ 2048/);
    pool.release(large);
    await pool.acquire(1024, storage);
  });

  test("counts buffers that are still being made", async () => {
    using pool = new BufferPool(device, { budgetBytes: 1024 });
    const outcomes = await Promise.allSettled(
      [768, 768].map((size) => pool.acquire(size, storage)),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  test("refuses what the device cannot have", async () => {
    using pool = new BufferPool(device);
    const { maxBufferSize } = device.limits;
    const tooLarge = pool.acquire(maxBufferSize + 1, storage, "A");
    await expect(tooLarge).rejects.toThrow(`maxBufferSize of ${maxBufferSize}`);
    // MAP_READ with STORAGE is against the rules of WebGPU.
    await expect(pool.acquire(256, storage | GPUBufferUsage.MAP_READ)).rejects.toThrow(
      DeviceLimitError,
    );
    expect(pool.stats).toMatchObject({ liveBuffers: 0, createdBuffers: 0 });
  });

  test("when memory runs out, frees what is idle and tries again with the exact size", async () => {
    const own = await openDevice({ device: testDeviceKind });
    using pool = new BufferPool(own);
    pool.release(await pool.acquire(4096, storage));
    runOutOfMemory(own, { times: 1 });
    const buffer = await pool.acquire(5001, storage);
    expect(buffer.size).toBe(5004);
    expect(pool.stats).toMatchObject({ idleBuffers: 0, liveBytes: 5004 });

    runOutOfMemory(own, { times: 2 });
    const refused = pool.acquire(9000, storage, "B block");
    await expect(refused).rejects.toThrow(DeviceLimitError);
    await expect(refused).rejects.toThrow(/"B block" of 9000 bytes, with 5004 bytes in 1 buffers/);
    expect(pool.stats).toMatchObject({ liveBuffers: 1, liveBytes: 5004 });
    own.destroy();
  });

  test("refuses a buffer that is released twice or is another's", async () => {
    using pool = new BufferPool(device);
    const buffer = await pool.acquire(256, storage);
    pool.release(buffer);
    expect(() => pool.release(buffer)).toThrow(InputError);
    const foreign = device.createBuffer({ size: 256, usage: storage, label: "foreign" });
    expect(() => pool.release(foreign)).toThrow(/"foreign" was released to a pool/);
    foreign.destroy();
  });

  test("unmaps what comes back mapped", async () => {
    using pool = new BufferPool(device);
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const buffer = await pool.acquire(256, usage);
    await buffer.mapAsync(GPUMapMode.READ);
    pool.release(buffer);
    expect(buffer.mapState).toBe("unmapped");
    expect(await pool.acquire(256, usage)).toBe(buffer);
  });

  test("once disposed of, lends nothing and takes back without complaint", async () => {
    const pool = new BufferPool(device);
    const buffer = await pool.acquire(256, storage);
    const late = pool.acquire(512, storage);
    pool[Symbol.dispose]();
    await expect(late).rejects.toThrow(ClosedError);
    await expect(pool.acquire(256, storage)).rejects.toThrow(ClosedError);
    pool.release(buffer);
    expect(pool.stats).toMatchObject({ liveBuffers: 0, idleBuffers: 0 });
  });

  test("lends nothing of a lost device", async () => {
    const doomed = await openDevice({ device: testDeviceKind });
    using pool = new BufferPool(doomed);
    pool.release(await pool.acquire(256, storage));
    doomed.destroy();
    await doomed.lost;
    await expect(pool.acquire(256, storage)).rejects.toThrow(DeviceLostError);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])(
    "refuses %d bytes",
    async (size) => {
      using pool = new BufferPool(device);
      await expect(pool.acquire(size, storage)).rejects.toThrow(InputError);
      expect(() => new BufferPool(device, { budgetBytes: size })).toThrow(InputError);
    },
  );
});

/** Makes the device report for the next buffers what a driver without memory would. */
function runOutOfMemory(device: GPUDevice, { times }: { times: number }): void {
  const pop = GPUDevice.prototype.popErrorScope.bind(device);
  let pops = 0;
  device.popErrorScope = async () => {
    const error = await pop();
    pops += 1; // the pool pops the scope "validation", then "out-of-memory"
    return pops % 2 === 0 && pops <= 2 * times ? new GPUOutOfMemoryError("no memory left") : error;
  };
}
