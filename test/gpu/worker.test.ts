import { describe, expect, onTestFinished, test } from "vitest";

import { DeviceLimitError, DeviceLostError } from "../../src/core/errors.ts";
import { matrix } from "../../src/core/matrix.ts";
import { BufferPool } from "../../src/kernels/buffer-pool.ts";
import { openDevice } from "../../src/kernels/device/device.ts";
import { multiplyOnGpu } from "../../src/workers/gpu-gemm.ts";
import { GpuLease, leaseOf } from "../../src/workers/gpu-lease.ts";
import type { Pace } from "../../src/workers/gpu-pace.ts";
import { createGpuWorker } from "../../src/workers/gpu-worker.ts";
import { describeGpu, testDeviceKind } from "../support/gpu.ts";
import { deviationOf, never, randomTask } from "../support/workers.ts";

const small = randomTask({ m: 5, k: 6, n: 7 });
const open = () => openDevice({ device: testDeviceKind });

/** Submits of at most this many operations, whatever they take. */
const fixedPace = (flopsPerSubmit: number): Pace => ({
  flopsPerSubmit,
  observe: async (_flops, done) => void (await done),
});

/** Work for many submits at `fixedPace(1e5)`. */
const long = randomTask({ m: 128, k: 256, n: 128 });

describeGpu("workers on one device", (device) => {
  test("share one pool of buffers, whether made with the device or with its lease", async () => {
    const lease = leaseOf({ device });
    await using one = createGpuWorker({ id: "one", device });
    await using two = createGpuWorker({ id: "two", device: lease });
    const tasks = [0, 1, 2, 3].map((seed) => randomTask({ m: 40, k: 41, n: 42 }, seed));
    const products = await Promise.all(
      tasks.map((task, i) => (i % 2 ? one : two).multiply(task, { signal: never })),
    );
    for (const [i, task] of tasks.entries()) {
      expect(deviationOf(products[i]!, task)).toBeLessThanOrEqual(1);
    }
    // Two workers, four buffers each.
    expect(lease.pool?.stats).toMatchObject({ liveBuffers: 0, idleBuffers: 8, createdBuffers: 8 });
  });

  test("give the memory back when the last of them is disposed of", async () => {
    const lease = new GpuLease({ device });
    const workers = ["one", "two"].map((id) => createGpuWorker({ id, device: lease }));
    await workers[0]!.multiply(small, { signal: never });
    await workers[0]![Symbol.asyncDispose]();
    const pool = lease.pool!;
    expect(pool.stats.idleBuffers).toBe(4);
    await workers[1]![Symbol.asyncDispose]();
    expect(pool.stats.idleBuffers).toBe(0);
    expect(lease.pool).toBeUndefined();
  });

  test("may come back after the last one has gone", async () => {
    for (const id of ["first", "second"]) {
      await using worker = createGpuWorker({ id, device });
      const product = await worker.multiply(small, { signal: never });
      expect(deviationOf(product, small)).toBeLessThanOrEqual(1);
    }
  });
});

/** Of a device that was never tuned. */
const tuning = Promise.resolve(undefined);

describeGpu("a product larger than its budget", (device) => {
  test("goes through the device in panels", async () => {
    const lease = new GpuLease({ device });
    await using worker = createGpuWorker({ id: "w", device: lease, taskBudgetBytes: 40_000 });
    const task = randomTask({ m: 130, k: 171, n: 99, gap: 2 });
    let started = 0;
    const onStarted = () => {
      started += 1;
    };
    const product = await worker.multiply(task, { signal: never, onStarted });
    expect(deviationOf(product, task)).toBeLessThanOrEqual(1);
    expect(started).toBe(1);
    const { liveBytes, idleBytes } = lease.pool!.stats;
    expect(liveBytes).toBe(0);
    expect(idleBytes).toBeLessThanOrEqual(1.25 * 40_000);
  });

  test("is a DeviceLimitError when no panel fits, and the worker lives on", async () => {
    await using worker = createGpuWorker({ id: "w", device, taskBudgetBytes: 1000 });
    const product = worker.multiply(long, { signal: never });
    await expect(product).rejects.toThrow(DeviceLimitError);
    await worker.multiply(small, { signal: never });
  });

  test("takes smaller panels when others hold the memory", async () => {
    using pool = new BufferPool(device, { budgetBytes: 8 * 2 ** 20 });
    const task = randomTask({ m: 1400, k: 1400, n: 1 });
    const data = await multiplyOnGpu({ device, pool, tuning, pace: fixedPace(1e7) }, task, {
      signal: never,
      onStarted: () => {},
      budgetBytes: 2 ** 28,
    });
    expect(deviationOf(matrix(1400, 1, data), task)).toBeLessThanOrEqual(1);
    expect(pool.stats.liveBuffers).toBe(0);
  });
});

describeGpu("a task in pieces", (device) => {
  test("is submitted a few operations at a time, and correct", async () => {
    using pool = new BufferPool(device);
    const observed: number[] = [];
    const pace: Pace = {
      flopsPerSubmit: 1e5,
      observe: async (flops, done) => {
        observed.push(flops);
        await done;
      },
    };
    const options = { signal: never, onStarted: () => {}, budgetBytes: 2 ** 28 };
    const data = await multiplyOnGpu({ device, pool, tuning, pace }, long, options);
    expect(deviationOf(matrix(128, 128, data), long)).toBeLessThanOrEqual(1);
    expect(observed.length).toBeGreaterThan(10);
    expect(observed.reduce((sum, flops) => sum + flops, 0)).toBe(2 * 128 * 256 * 128);
  });

  test("stops between two submits when it is aborted", async () => {
    using pool = new BufferPool(device);
    const abort = new AbortController();
    let submits = 0;
    const pace: Pace = {
      flopsPerSubmit: 1e5,
      observe: async (_flops, done) => {
        submits += 1;
        if (submits === 3) abort.abort(new Error("enough"));
        await done;
      },
    };
    const options = { signal: abort.signal, onStarted: () => {}, budgetBytes: 2 ** 28 };
    const product = multiplyOnGpu({ device, pool, tuning, pace }, long, options);
    await expect(product).rejects.toThrow("enough");
    expect(submits).toBe(3);
    expect(pool.stats.liveBuffers).toBe(0);
  });

  test("that the driver refuses is rejected with the driver's words", async () => {
    using pool = new BufferPool(device);
    const spoilt = await pool.acquire(4 * 5 * 6, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST);
    spoilt.destroy();
    pool.release(spoilt);
    const options = { signal: never, onStarted: () => {}, budgetBytes: 2 ** 28 };
    const product = multiplyOnGpu({ device, pool, tuning, pace: fixedPace(1e9) }, small, options);
    await expect(product).rejects.toThrow(/refused.*destroyed/s);
    expect(pool.stats.liveBuffers).toBe(0);
  });
});

describeGpu("losing the device", () => {
  test("rejects what runs and what waits, and everything later", async () => {
    const device = await open();
    const worker = createGpuWorker({ id: "w", device });
    const onStarted = () => device.destroy();
    const products = [
      worker.multiply(long, { signal: never, onStarted }),
      worker.multiply(long, { signal: never }),
    ];
    for (const outcome of await Promise.allSettled(products)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(DeviceLostError) });
    }
    const later = worker.multiply(small, { signal: never });
    await expect(later).rejects.toThrow(DeviceLostError);
    await worker[Symbol.asyncDispose]();
  });

  test("is noticed when it happened between two tasks", async () => {
    const device = await open();
    await using worker = createGpuWorker({ id: "w", device });
    await worker.multiply(small, { signal: never });
    device.destroy();
    const product = worker.multiply(small, { signal: never });
    await expect(product).rejects.toThrow(DeviceLostError);
  });

  describe("when it can be had again", () => {
    function reopening() {
      const opened: GPUDevice[] = [];
      const reopen = async () => {
        const device = await open();
        opened.push(device);
        onTestFinished(() => device.destroy());
        return device;
      };
      return { opened, reopen };
    }

    test("all its workers come back on one new device, which ends with them", async () => {
      const device = await open();
      const { opened, reopen } = reopening();
      const workers = ["one", "two"].map((id) => createGpuWorker({ id, device, reopen }));
      device.destroy();
      await device.lost; // announced a moment later
      const products = workers.map((worker) => worker.multiply(small, { signal: never }));
      for (const product of await Promise.all(products)) {
        expect(deviationOf(product, small)).toBeLessThanOrEqual(1);
      }
      expect(opened).toHaveLength(1);
      for (const worker of workers) await worker[Symbol.asyncDispose]();
      expect((await opened[0]!.lost).reason).toBe("destroyed");
    });

    test("a task that was running is lost, the next is not", async () => {
      const device = await open();
      const { reopen } = reopening();
      await using worker = createGpuWorker({ id: "w", device, reopen });
      const onStarted = () => device.destroy();
      const lost = worker.multiply(long, { signal: never, onStarted });
      await expect(lost).rejects.toThrow(DeviceLostError);
      const product = await worker.multiply(small, { signal: never });
      expect(deviationOf(product, small)).toBeLessThanOrEqual(1);
    });

    test("a failed attempt is told, and the next task tries again", async () => {
      const device = await open();
      const { reopen } = reopening();
      const cause = new Error("the driver is being replaced");
      let attempts = 0;
      await using worker = createGpuWorker({
        id: "w",
        device,
        reopen: async () => {
          attempts += 1;
          if (attempts === 1) throw cause;
          return reopen();
        },
      });
      device.destroy();
      await device.lost; // announced a moment later
      const failed = worker.multiply(small, { signal: never });
      await expect(failed).rejects.toThrow(DeviceLostError);
      await expect(failed).rejects.toMatchObject({ cause });
      const product = await worker.multiply(small, { signal: never });
      expect(deviationOf(product, small)).toBeLessThanOrEqual(1);
    });
  });
});
