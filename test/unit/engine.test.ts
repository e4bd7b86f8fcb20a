import { describe, expect, test } from "vitest";
import { chooseCode } from "../../src/engine/choose-code.ts";
import {
  createEngine,
  type EngineOptions,
  InputError,
  type MultiplyOptions,
  matdot,
  matrix,
  ShapeError,
} from "../../src/index.ts";
import { inlineWorker } from "../support/inline-worker.ts";
import { distance, multiplyReference64, randomMatrix } from "../support/matrices.ts";

const engineOf = (count = 3) =>
  createEngine({ workers: Array.from({ length: count }, (_, w) => inlineWorker(`w${w}`)) });

describe("createEngine", () => {
  test("uses given workers, opens no device for them and leaves them alone at the end", async () => {
    const worker = inlineWorker("mine");
    {
      await using engine = await createEngine({ workers: [worker] });
      expect(engine.workers).toEqual([worker]);
      expect(engine.device.kind).toBe("cpu");
      const a = randomMatrix(7, 9, 1);
      const b = randomMatrix(9, 5, 2);
      const { c } = await engine.multiply(a, b);
      expect(distance(c, multiplyReference64(a, b))).toBeLessThan(1e-5);
    }
    expect(worker.seen.length).toBeGreaterThan(0);
    expect(worker.disposals).toBe(0);
  });

  test.each([
    [
      { workers: 0 },
      "workers must be an integer from 1 to 4096 or a list of at least one worker, got 0",
    ],
    [{ workers: 1.5 }, "workers must be an integer from 1 to 4096"],
    [{ workers: [] }, "list of at least one worker, got an array of 0"],
    [{ workers: "six" }, 'or a list of at least one worker, got "six"'],
    [
      { device: "tpu" },
      'device must be "auto", "gpu", "software", "cpu" or a GPUDevice, got "tpu"',
    ],
    [{ devices: 0 }, "devices must be an integer from 1 to 4096, got 0"],
    [{ signal: true }, "signal must be an AbortSignal, got true"],
    [{ worker: 3 }, 'options must not hold "worker": no such option'],
  ] as [EngineOptions, string][])("refuses %o", async (options, message) => {
    await expect(createEngine(options)).rejects.toThrow(message);
    await expect(createEngine(options)).rejects.toBeInstanceOf(InputError);
  });

  test("refuses two workers of one id, whose events could not be told apart", async () => {
    const workers = [inlineWorker("twin"), inlineWorker("twin")];
    await expect(createEngine({ workers })).rejects.toThrow('distinct ids, got "twin" twice');
  });

  test("rejects with the caller's reason when it was aborted before", async () => {
    await expect(createEngine({ signal: AbortSignal.abort("no") })).rejects.toBe("no");
  });
});

describe("multiply", () => {
  const a = randomMatrix(4, 6, 1);
  const b = randomMatrix(6, 3, 2);

  test.each([
    [{ deadlineMs: 0 }, "deadlineMs must be a finite number above 0, got 0"],
    [{ deadlineMs: Number.NaN }, "deadlineMs must be a finite number above 0, got NaN"],
    [{ deadlineMs: Number.POSITIVE_INFINITY }, "deadlineMs must be a finite number above 0"],
    [{ tolerance: -1 }, "tolerance must be a finite number above 0, got -1"],
    [{ verify: "yes" }, 'verify must be true or false, got "yes"'],
    [
      { code: {} },
      "code must be a Code whose tables fit its partition and tasks, got [object Object]",
    ],
    [
      { code: { ...matdot({ parts: 2, tasks: 3 }), tasks: 4 } },
      "code must be a Code whose tables fit its partition and tasks",
    ],
    [{ onProgress: 1 }, "onProgress must be a function, got 1"],
    [{ allowNonFinite: 1 }, "allowNonFinite must be true or false, got 1"],
    [{ deadline: 5 }, 'options must not hold "deadline": no such option'],
  ] as [MultiplyOptions, string][])("refuses %o", async (options, message) => {
    await using engine = await engineOf();
    await expect(engine.multiply(a, b, options)).rejects.toThrow(message);
    await expect(engine.multiply(a, b, options)).rejects.toBeInstanceOf(InputError);
  });

  test("refuses operands that do not fit, are empty, or reach outside their data", async () => {
    await using engine = await engineOf();
    const refused = async (left: typeof a, right: typeof b, message: string) => {
      await expect(engine.multiply(left, right)).rejects.toThrow(message);
      await expect(engine.multiply(left, right)).rejects.toBeInstanceOf(ShapeError);
    };
    await refused(a, a, "a.cols must equal b.rows, got 4×6 times 4×6");
    await refused({ ...a, rows: 0 }, b, "a.rows must be a positive integer, got 0");
    await refused(
      { ...a, rows: 5 },
      b,
      "a.data must hold 30 elements for 5×6 at rowStride 6, got 24",
    );
    await refused(
      a,
      { ...b, rowStride: 2 },
      "b.rowStride must be an integer of at least b.cols = 3, got 2",
    );
    await refused(
      a,
      { ...b, data: [...b.data] as never },
      "b.data must be a Float32Array, got Array",
    );
    await refused(undefined as never, b, "a must be a matrix, got undefined");
    expect(() => matrix(2, 2, new Float32Array(3))).toThrow(
      "data must have rows·cols = 2·2 = 4 elements, got 3",
    );
    expect(() => matrix(0, 2, new Float32Array(0))).toThrow(
      "rows must be a positive integer, got 0",
    );
  });

  test("refuses a product larger than memory before anything is sent", async () => {
    const worker = inlineWorker("w");
    await using engine = await createEngine({ workers: [worker] });
    const tall = matrix(3_000_000, 1, new Float32Array(3_000_000));
    const wide = matrix(1, 3_000_000, new Float32Array(3_000_000));
    await expect(engine.multiply(tall, wide)).rejects.toMatchObject({
      code: "ERR_DEVICE_LIMIT",
      message: expect.stringContaining("3000000×3000000 needs 3.35e+4 GiB"),
    });
    expect(worker.seen).toEqual([]);
  });

  test("lets NaN and ±Inf through when asked, and then claims no bound", async () => {
    await using engine = await engineOf();
    const holed = randomMatrix(4, 6, 3);
    holed.data[0] = Number.NaN;
    const product = await engine.multiply(holed, b, { allowNonFinite: true });
    expect(product.c.data.slice(0, 3).every(Number.isNaN)).toBe(true);
    expect(product.error.bound).toBe(Number.POSITIVE_INFINITY);
  });

  test("claims no bound where finite operands overflow float32", async () => {
    await using engine = await engineOf();
    const huge = matrix(1, 1, Float32Array.of(3e38));
    const job = engine.multiply(huge, huge, { code: matdot({ parts: 1, tasks: 3 }) });
    await expect(job).rejects.toMatchObject({ code: "ERR_UNDECODABLE" });
    const product = await engine.multiply(huge, huge, { allowNonFinite: true });
    expect(product.error.bound).toBe(Number.POSITIVE_INFINITY);
  });

  test("refuses a code that would leave nothing but noise, before anything is sent", async () => {
    const worker = inlineWorker("w");
    await using engine = await createEngine({ workers: [worker] });
    const hopeless = matdot({ parts: 8, tasks: 18, points: "integers" });
    const job = engine.multiply(a, b, { code: hopeless });
    await expect(job).rejects.toMatchObject({
      code: "ERR_CODE_PARAMETER",
      message: expect.stringContaining("points=integers) amplifies rounding to about"),
    });
    expect(worker.seen).toEqual([]);
    const fine = matdot({ parts: 8, tasks: 18 });
    expect((await engine.multiply(a, b, { code: fine })).complete).toBe(true);
  });

  test("pads where a code has more parts than the matrix has rows", async () => {
    await using engine = await engineOf(6);
    const small = matrix(1, 2, Float32Array.of(3, 4));
    const other = matrix(2, 1, Float32Array.of(5, 6));
    const { c } = await engine.multiply(small, other, { code: matdot({ parts: 3, tasks: 6 }) });
    expect(c.data[0]).toBeCloseTo(39, 3);
  });

  test("gives an error of zero for a product of zeros", async () => {
    await using engine = await engineOf();
    const zero = matrix(3, 3, new Float32Array(9));
    const { c, error } = await engine.multiply(zero, zero);
    expect([...c.data]).toEqual(Array(9).fill(0));
    expect([error.bound, error.residual]).toEqual([0, 0]);
  });
});

describe("the choice of a code", () => {
  const square = { rows: 500, inner: 500, cols: 500 };

  test("leaves a quarter of the tasks to spare, one at least, and makes no more than that", () => {
    for (const shape of [square, { rows: 20, inner: 9000, cols: 30 }]) {
      for (let workers = 3; workers <= 100; workers++) {
        const { tasks, recoveryThreshold } = chooseCode(shape, workers);
        expect(tasks).toBeLessThanOrEqual(workers);
        const spare = tasks - recoveryThreshold;
        expect(spare).toBeGreaterThanOrEqual(Math.max(1, Math.floor(tasks / 4)));
        expect(spare).toBeLessThanOrEqual(Math.max(2, Math.ceil(tasks / 2)));
      }
    }
  });

  test("codes nothing for one or two workers, who have nobody to outrun", () => {
    expect(chooseCode(square, 1).name).toBe("uncoded(m=1, k=1, n=1)");
    expect(chooseCode({ ...square, cols: 900 }, 2).name).toBe("uncoded(m=1, k=1, n=2)");
  });

  test("cuts inside where the inner dimension dwarfs the others", () => {
    expect(chooseCode({ rows: 30, inner: 5000, cols: 40 }, 8).partition.k).toBeGreaterThan(1);
    expect(chooseCode({ rows: 1, inner: 3, cols: 1 }, 8).recoveryThreshold).toBeLessThanOrEqual(6);
  });

  test("never cuts a dimension finer than it is", () => {
    const { partition } = chooseCode({ rows: 1, inner: 1, cols: 100 }, 12);
    expect(partition).toEqual({ m: 1, k: 1, n: 9 });
  });
});
