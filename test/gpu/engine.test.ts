import { expect, test } from "vitest";
import {
  ClosedError,
  createEngine,
  faulty,
  InputError,
  type Matrix,
  matdot,
  type Product,
  polynomial,
  replication,
  ShapeError,
  seededRandom,
  UndecodableError,
  uncoded,
} from "../../src/index.ts";
import { openDevice } from "../../src/kernels/device/device.ts";
import { describeGpu, testDeviceKind } from "../support/gpu.ts";
import { distance, multiplyReference64, randomMatrix, withRowStride } from "../support/matrices.ts";

function expectWithinBound(a: Matrix, b: Matrix, product: Product): void {
  const size = (m: Matrix) => distance(m, { ...m, data: new Float32Array(m.data.length) });
  const off = distance(product.c, multiplyReference64(a, b));
  expect(off).toBeLessThanOrEqual(product.error.bound * size(a) * size(b));
  expect(product.error.bound).toBeLessThan(0.1);
}

/** Counts the buffers that a device holds, through the two calls that make and end one. */
function countBuffers(device: GPUDevice): { readonly live: number } {
  const live = new Set<GPUBuffer>();
  const create = device.createBuffer.bind(device);
  device.createBuffer = (descriptor) => {
    const buffer = create(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    buffer.destroy = () => {
      live.delete(buffer);
      return destroy();
    };
    live.add(buffer);
    return buffer;
  };
  return {
    get live() {
      return live.size;
    },
  };
}

describeGpu("an engine on a GPU", () => {
  const device = testDeviceKind === "auto" ? "gpu" : testDeviceKind;

  test("multiplies odd shapes by every code, encoding and decoding on the device", async () => {
    await using engine = await createEngine({ device, workers: 3 });
    expect(engine.device.kind).toBe("webgpu");
    expect(engine.workers.map(({ kind }) => kind)).toEqual(["webgpu", "webgpu", "webgpu"]);
    const codes = [
      undefined,
      uncoded({ partition: { m: 2, k: 3, n: 2 } }),
      replication({ partition: { m: 2, k: 1, n: 2 }, copies: 2 }),
      matdot({ parts: 3, tasks: 6 }),
      polynomial({ partition: { m: 3, n: 2 }, tasks: 8 }),
    ];
    const shapes = [
      [1, 1, 1],
      [2, 3, 1],
      [31, 67, 29],
      [70, 13, 41],
    ] as const;
    for (const [rows, inner, cols] of shapes) {
      const a = withRowStride(randomMatrix(rows, inner, rows), inner + 3);
      const b = randomMatrix(inner, cols, cols);
      for (const code of codes) {
        expectWithinBound(a, b, await engine.multiply(a, b, code && { code }));
      }
    }
  });

  test("serves overlapping jobs that share its devices", async () => {
    await using engine = await createEngine({ device, workers: 4, devices: 2 });
    const jobs = [17, 23, 31, 37].map(async (size) => {
      const a = randomMatrix(size, 2 * size, size);
      const b = randomMatrix(2 * size, size, size, "b");
      expectWithinBound(
        a,
        b,
        await engine.multiply(a, b, { code: matdot({ parts: 2, tasks: 5 }) }),
      );
    });
    await Promise.all(jobs);
  });

  test("leaks no buffer over 200 jobs, with workers that straggle, fail and lie, and aborts", async () => {
    const own = await openDevice({ device: testDeviceKind });
    const buffers = countBuffers(own);
    const random = seededRandom("leak");
    let afterWarmUp = 0;
    let most = 0;
    {
      await using machine = await createEngine({ device: own, workers: 4 });
      await using engine = await createEngine({
        device: own,
        workers: machine.workers.map((worker, w) =>
          w === 0
            ? faulty(worker, { kind: "exponential", meanMs: 3 })
            : w === 1
              ? faulty(worker, { kind: "wrong", probability: 0.2 })
              : worker,
        ),
      });
      const a = randomMatrix(9, 20, 1);
      const b = randomMatrix(20, 11, 2);
      for (let job = 0; job < 200; job++) {
        const controller = new AbortController();
        const done = engine.multiply(a, b, {
          code: polynomial({ partition: { m: 2, n: 2 }, tasks: 6 }),
          verify: true,
          signal: controller.signal,
        });
        if (random() < 0.2) {
          setTimeout(() => controller.abort("enough"), 4 * random());
          await done.catch((reason: unknown) => {
            if (reason !== "enough" && !(reason instanceof UndecodableError)) throw reason;
          });
        } else {
          const product = await done.catch((reason: unknown) => {
            if (!(reason instanceof UndecodableError)) throw reason;
            return undefined;
          });
          if (product) expectWithinBound(a, b, product);
        }
        if (job === 49) afterWarmUp = buffers.live;
        if (job > 49) most = Math.max(most, buffers.live);
      }
      // A pool keeps some buffers for reuse, and a few more when more tasks than before overlap.
      expect(most).toBeLessThanOrEqual(2 * afterWarmUp);
    }
    expect(buffers.live).toBe(0);
    own.destroy();
  });

  test("encodes and decodes on the host when its device is lost, whenever that is", async () => {
    await using hosts = await createEngine({ device: "cpu", workers: 2 });
    const a = randomMatrix(12, 12, 1);
    const b = randomMatrix(12, 12, 2);
    const code = matdot({ parts: 2, tasks: 4 });
    for (const moment of ["before", "encode", "sent", "finished", "decode", "check"]) {
      const own = await openDevice({ device: testDeviceKind });
      await using engine = await createEngine({ device: own, workers: hosts.workers });
      if (moment === "before") own.destroy();
      const product = await engine.multiply(a, b, {
        code,
        onProgress: ({ phase, event }) => {
          if (phase === moment || event?.kind === moment) own.destroy();
        },
      });
      expectWithinBound(a, b, product);
      await own.lost;
      expectWithinBound(a, b, await engine.multiply(a, b, { code }));
    }
  });

  test("opens its own device again after a loss, and the workers come back", async () => {
    await using engine = await createEngine({ device, workers: 2 });
    const a = randomMatrix(12, 12, 1);
    const b = randomMatrix(12, 12, 2);
    const code = uncoded({ partition: { m: 2, k: 1, n: 1 } });
    const lost: GPUDevice[] = [];
    const create = GPUDevice.prototype.createCommandEncoder;
    GPUDevice.prototype.createCommandEncoder = function (this: GPUDevice, descriptor) {
      if (lost.length === 0) lost.push(this);
      return create.call(this, descriptor);
    };
    try {
      expectWithinBound(a, b, await engine.multiply(a, b, { code }));
    } finally {
      GPUDevice.prototype.createCommandEncoder = create;
    }
    lost[0]!.destroy();
    await lost[0]!.lost;
    expectWithinBound(a, b, await engine.multiply(a, b, { code }));
  });

  test("takes no product of an encoder that the device refused to run", async () => {
    const own = await openDevice({ device: testDeviceKind });
    const made: GPUBuffer[] = [];
    const create = own.createBuffer.bind(own);
    own.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      if (descriptor.label?.startsWith("combine")) made.push(buffer);
      return buffer;
    };
    await using hosts = await createEngine({ device: "cpu", workers: 2 });
    await using engine = await createEngine({ device: own, workers: hosts.workers });
    const a = randomMatrix(24, 24, 1);
    const b = randomMatrix(24, 24, 2);
    const code = matdot({ parts: 2, tasks: 4 });
    expectWithinBound(a, b, await engine.multiply(a, b, { code }));
    expect(made.length).toBeGreaterThan(0);
    for (const buffer of made) buffer.destroy(); // the pool does not know
    expectWithinBound(a, b, await engine.multiply(a, b, { code }));
    own.destroy();
  });

  test("reports the loss of every worker's device as undecodable, with the reason", async () => {
    const own = await openDevice({ device: testDeviceKind });
    await using engine = await createEngine({ device: own, workers: 3 });
    own.destroy();
    await own.lost;
    const job = engine.multiply(randomMatrix(5, 5, 1), randomMatrix(5, 5, 2), {
      code: matdot({ parts: 2, tasks: 3 }),
    });
    await expect(job).rejects.toMatchObject({
      code: "ERR_UNDECODABLE",
      failures: expect.arrayContaining([
        { task: 0, reason: expect.objectContaining({ code: "ERR_DEVICE_LOST" }) },
      ]),
    });
  });

  test("ends running jobs when it is disposed of, and refuses new ones", async () => {
    const engine = await createEngine({ device, workers: 2 });
    const a = randomMatrix(64, 64, 1);
    const job = engine.multiply(a, a);
    const ended = expect(job).rejects.toBeInstanceOf(ClosedError);
    await engine[Symbol.asyncDispose]();
    await ended;
    await engine[Symbol.asyncDispose]();
    await expect(engine.multiply(a, a)).rejects.toBeInstanceOf(ClosedError);
  });

  test("refuses what cannot be multiplied before anything is sent", async () => {
    await using engine = await createEngine({ device, workers: 1 });
    const a = randomMatrix(3, 4, 1);
    await expect(engine.multiply(a, a)).rejects.toBeInstanceOf(ShapeError);
    const nan = randomMatrix(4, 3, 2);
    nan.data[5] = Number.NaN;
    await expect(engine.multiply(a, nan)).rejects.toThrow(
      "b must be finite, got NaN at row 1, column 2",
    );
    await expect(engine.multiply(a, nan)).rejects.toBeInstanceOf(InputError);
  });
});
