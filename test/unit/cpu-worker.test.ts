import { describe, expect, onTestFinished, test } from "vitest";

import {
  DeviceLimitError,
  DeviceLostError,
  InputError,
  NoDeviceError,
} from "../../src/core/errors.ts";
import { CpuWorker, type CpuWorkerOptions, createCpuWorker } from "../../src/workers/cpu-worker.ts";
import { isOrtInstalled } from "../../src/workers/ort-installed.ts";
import {
  type GemmThread,
  type GemmThreadListeners,
  startGemmThread,
} from "../../src/workers/thread.ts";
import type { ThreadAnswer, ToThread } from "../../src/workers/thread-messages.ts";
import { reportMissingOrt } from "../support/ort.ts";
import { deviationOf, never, randomTask } from "../support/workers.ts";

const small = randomTask({ m: 2, k: 3, n: 4 });
type Multiply = Extract<ToThread, { type: "multiply" }>;

/** A thread without a thread: the test reads what it was told and speaks for it. */
class ScriptedThread implements GemmThread {
  readonly told: ToThread[] = [];
  readonly needed: boolean[] = [];
  readonly listeners: GemmThreadListeners;

  constructor(listeners: GemmThreadListeners) {
    this.listeners = listeners;
  }
  post(message: ToThread): void {
    this.told.push(message);
    if (message.type === "stop") queueMicrotask(() => this.listeners.onEnd(new Error("stopped")));
  }
  keepAlive(needed: boolean): void {
    this.needed.push(needed);
  }
  terminate(): void {}

  get types(): string[] {
    return this.told.map(({ type }) => type);
  }
  get tasks(): Multiply[] {
    return this.told.filter((message): message is Multiply => message.type === "multiply");
  }
  answer(answer: ThreadAnswer): void {
    this.listeners.onAnswer(answer);
  }
  finish(kernels = 1): void {
    const { shape, a, b } = this.tasks.at(-1)!;
    const c = new Float32Array(shape.m * shape.n);
    this.answer({ type: "done", c, operands: [a, b], kernels });
  }
}

function scripted(arithmetic: "auto" | "wasm" | "native" = "wasm"): {
  worker: CpuWorker;
  threads: ScriptedThread[];
} {
  const threads: ScriptedThread[] = [];
  const worker = new CpuWorker({ id: "w", arithmetic }, (listeners) => {
    const thread = new ScriptedThread(listeners);
    threads.push(thread);
    return thread;
  });
  return { worker, threads };
}

describe("the thread of a CPU worker", () => {
  test("is started at the first product, and not for one that is aborted already", async () => {
    const { worker, threads } = scripted();
    const aborted = worker.multiply(small, { signal: AbortSignal.abort(new Error("no")) });
    await expect(aborted).rejects.toThrow("no");
    expect(threads).toHaveLength(0);

    const product = worker.multiply(small, { signal: never });
    expect(threads).toHaveLength(1);
    threads[0]!.finish();
    await product;
  });

  test("is not given a task with a matrix of 4 GiB, of which it would see a part only", async () => {
    const { worker, threads } = scripted();
    const outer = randomTask({ m: 2 ** 15, k: 1, n: 2 ** 15 });
    const refused = worker.multiply(outer, { signal: never });
    await expect(refused).rejects.toBeInstanceOf(DeviceLimitError);
    await expect(refused).rejects.toThrow("one of 32768×1×32768 takes 4.0 GiB");
    expect(threads).toEqual([]);
  });

  test("is given one task at a time, in the order of the calls", async () => {
    const { worker, threads } = scripted();
    const order: number[] = [];
    const products = [5, 6, 7].map(async (n) => {
      await worker.multiply(randomTask({ m: 1, k: 1, n }), { signal: never });
      order.push(n);
    });
    for (const sent of [1, 2, 3]) {
      expect(threads[0]!.tasks).toHaveLength(sent);
      threads[0]!.finish();
    }
    await Promise.all(products);
    expect(order).toEqual([5, 6, 7]);
  });

  test("keeps the process alive while it has a task, and only then", async () => {
    const { worker, threads } = scripted();
    const products = [0, 1].map(() => worker.multiply(small, { signal: never }));
    expect(threads[0]!.needed.at(-1)).toBe(true);
    threads[0]!.finish();
    expect(threads[0]!.needed.at(-1)).toBe(true);
    threads[0]!.finish();
    expect(threads[0]!.needed.at(-1)).toBe(false);
    await Promise.all(products);
  });

  test("hears of an abort once, and gets the next task when it has answered", async () => {
    const { worker, threads } = scripted();
    const abort = new AbortController();
    const first = worker.multiply(small, { signal: abort.signal });
    const second = worker.multiply(small, { signal: never });
    abort.abort(new Error("changed my mind"));
    await expect(first).rejects.toThrow("changed my mind");
    expect(threads[0]!.types).toEqual(["multiply", "abort"]);

    const { a, b } = threads[0]!.tasks[0]!;
    threads[0]!.answer({ type: "aborted", operands: [a, b] });
    threads[0]!.finish();
    await second;
    expect(threads[0]!.types).toEqual(["multiply", "abort", "multiply"]);
  });

  test("never hears of a task that was aborted in the queue", async () => {
    const { worker, threads } = scripted();
    const first = worker.multiply(small, { signal: never });
    const abort = new AbortController();
    const second = worker.multiply(small, { signal: abort.signal });
    abort.abort(new Error("late"));
    await expect(second).rejects.toThrow("late");
    threads[0]!.finish();
    await first;
    expect(threads[0]!.types).toEqual(["multiply"]);
  });

  test("takes down the task it held when it dies; the next task gets another thread", async () => {
    const { worker, threads } = scripted();
    const first = worker.multiply(small, { signal: never });
    const second = worker.multiply(small, { signal: never });
    const cause = new Error("out of luck");
    threads[0]!.listeners.onEnd(cause);

    await expect(first).rejects.toThrow(DeviceLostError);
    await expect(first).rejects.toMatchObject({ cause, message: /w died .*out of luck/ });
    threads[1]!.finish();
    await second;
    expect(threads).toHaveLength(2);
  });

  test("is replaced when it has compiled very many kernels", async () => {
    const { worker, threads } = scripted();
    const products = [0, 1].map(() => worker.multiply(small, { signal: never }));
    threads[0]!.finish(10_000);
    expect(threads[0]!.types).toEqual(["multiply", "stop"]);
    threads[1]!.finish();
    await Promise.all(products);
  });

  test("is replaced after a failure, whose reason is kept", async () => {
    const { worker, threads } = scripted();
    const product = worker.multiply(small, { signal: never });
    const { a, b } = threads[0]!.tasks[0]!;
    const error = new RangeError("Array buffer allocation failed");
    threads[0]!.answer({ type: "failed", operands: [a, b], error });
    await expect(product).rejects.toThrow(DeviceLimitError);
    await expect(product).rejects.toMatchObject({ cause: error, message: /2×3×4/ });
    expect(threads[0]!.types).toEqual(["multiply", "stop"]);
  });

  test("gets the memory of the last operands again", async () => {
    const { worker, threads } = scripted();
    const multiply = async () => {
      const product = worker.multiply(small, { signal: never });
      threads[0]!.finish();
      await product;
      return threads[0]!.tasks.at(-1)!;
    };
    const first = await multiply();
    const second = await multiply();
    expect(second.a).toBe(first.a);
    expect(second.b).toBe(first.b);
  });

  test("cannot be started: the task fails and nothing hangs", async () => {
    const worker = new CpuWorker({ id: "w" }, () => {
      throw new Error("threads are forbidden here");
    });
    const product = worker.multiply(small, { signal: never });
    await expect(product).rejects.toThrow("threads are forbidden here");
    await worker[Symbol.asyncDispose]();
  });

  test("cannot be started: the question fails once, and nothing is left to reject", async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", onUnhandled);
    onTestFinished(() => void process.off("unhandledRejection", onUnhandled));
    const worker = new CpuWorker({ id: "w", arithmetic: "auto" }, () => {
      throw new Error("threads are forbidden here");
    });
    await expect(worker.describe()).rejects.toThrow("threads are forbidden here");
    await worker[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve));
    expect(unhandled).toEqual([]);
  });
});

describe("what multiplies", () => {
  const native = { kind: "native", description: "a library" } as const;

  test("is known at once where it is WebAssembly, and no thread is started to tell", async () => {
    const { worker, threads } = scripted();
    expect(await worker.describe()).toEqual({ kind: "wasm", description: "WebAssembly" });
    expect(threads).toEqual([]);
  });

  test("is what the thread says, which lives on for the first task", async () => {
    const { worker, threads } = scripted("auto");
    const described = Promise.all([worker.describe(), worker.describe()]);
    expect(threads[0]!.needed.at(-1)).toBe(true);
    threads[0]!.answer({ type: "ready", arithmetic: native });
    expect(await described).toEqual([native, native]);
    expect(threads[0]!.needed.at(-1)).toBe(false);

    const product = worker.multiply(small, { signal: never });
    threads[0]!.finish();
    await product;
    expect(threads).toHaveLength(1);
  });

  test("rounds as the worse of the two may until it is known", () => {
    const { worker, threads } = scripted("auto");
    const shape = { rows: 500, inner: 5000, cols: 500 };
    const either = worker.roundings(shape);
    void worker.describe();
    threads[0]!.answer({ type: "ready", arithmetic: { kind: "wasm", description: "" } });
    const wasm = worker.roundings(shape);
    const other = scripted("native");
    void other.worker.describe();
    other.threads[0]!.answer({ type: "ready", arithmetic: native });
    expect(other.worker.roundings(shape)).toBe(1000 + 5 - 1);
    expect(either).toBe(Math.max(wasm, other.worker.roundings(shape)));
  });

  test("is nothing: tasks and the question fail with the reason", async () => {
    const { worker, threads } = scripted("native");
    const described = worker.describe();
    const product = worker.multiply(small, { signal: never });
    const error = new Error("no such binary");
    threads[0]!.answer({ type: "unready", error });
    const { a, b } = threads[0]!.tasks[0]!;
    threads[0]!.answer({ type: "failed", operands: [a, b], error });
    await expect(described).rejects.toThrow(NoDeviceError);
    await expect(product).rejects.toThrow(/w cannot multiply: no such binary/);
    await expect(worker.describe()).rejects.toMatchObject({ cause: error });
  });

  test("is something after all, in a later thread, whose failures are told as what they are", async () => {
    const { worker, threads } = scripted("native");
    const fail = async (thread: number, error: Error) => {
      const product = worker.multiply(small, { signal: never });
      const isReady = thread > 0;
      threads[thread]!.answer(
        isReady ? { type: "ready", arithmetic: native } : { type: "unready", error },
      );
      const { a, b } = threads[thread]!.tasks[0]!;
      threads[thread]!.answer({ type: "failed", operands: [a, b], error });
      return product.catch((reason: unknown) => reason);
    };
    expect(await fail(0, new Error("no such binary"))).toBeInstanceOf(NoDeviceError);
    const error = new RangeError("Array buffer allocation failed");
    const reason = await fail(1, error);
    expect(reason).toBeInstanceOf(DeviceLimitError);
    expect(reason).toMatchObject({ cause: error });
    expect(await worker.describe()).toEqual(native);
  });

  test("is never told by a thread that dies first: the question fails and does not hang", async () => {
    const { worker, threads } = scripted("auto");
    const described = worker.describe();
    threads[0]!.listeners.onEnd(new Error("killed"));
    await expect(described).rejects.toThrow(DeviceLostError);
  });
});

describe("createCpuWorker", () => {
  test.each([
    [{}, "id must be a string of at least one character, got undefined"],
    [{ id: "" }, 'id must be a string of at least one character, got ""'],
    [{ id: 5 }, "id must be a string of at least one character, got 5"],
    [{ id: "w", arithmetic: "fast" }, 'arithmetic must be "auto", "wasm" or "native", got "fast"'],
    [{ id: "w", arithmatic: "wasm" }, 'options must not hold "arithmatic": no such option'],
    [undefined, "options must be an object, got undefined"],
  ] as [CpuWorkerOptions, string][])("refuses %o", (options, message) => {
    expect(() => createCpuWorker(options)).toThrow(InputError);
    expect(() => createCpuWorker(options)).toThrow(message);
  });

  test("takes an option that is undefined as one that is not given", async () => {
    const options = { id: "w", arithmetic: undefined } as unknown as CpuWorkerOptions;
    await createCpuWorker(options)[Symbol.asyncDispose]();
  });
});

const installed = isOrtInstalled();
if (!installed) reportMissingOrt("a real native thread");
describe.each(["wasm", ...(installed ? (["native"] as const) : [])] as const)(
  "a real %s thread",
  (arithmetic) => {
    function observed(): { worker: CpuWorker; threads: GemmThread[]; answers: string[] } {
      const threads: GemmThread[] = [];
      const answers: string[] = [];
      const worker = new CpuWorker({ id: "w", arithmetic }, (listeners, wanted) => {
        const thread = startGemmThread(
          {
            ...listeners,
            onAnswer(answer) {
              if (answer.type !== "ready") answers.push(answer.type);
              listeners.onAnswer(answer);
            },
          },
          wanted,
        );
        threads.push(thread);
        return thread;
      });
      onTestFinished(() => worker[Symbol.asyncDispose]());
      return { worker, threads, answers };
    }
    const long = randomTask({ m: 1024, k: 4096, n: 1024 });

    test("that is killed rejects its task, and the worker lives on", async () => {
      const { worker, threads } = observed();
      const product = worker.multiply(long, {
        signal: never,
        onStarted: () => threads[0]!.terminate(),
      });
      await expect(product).rejects.toThrow(DeviceLostError);
      const next = await worker.multiply(small, { signal: never });
      expect(deviationOf(next, small)).toBeLessThanOrEqual(1);
      expect(threads).toHaveLength(2);
    });

    test("stops in the middle of an aborted product", async () => {
      const { worker, answers } = observed();
      const abort = new AbortController();
      const product = worker.multiply(long, {
        signal: abort.signal,
        onStarted: () => abort.abort(new Error("enough")),
      });
      await expect(product).rejects.toThrow("enough");
      await worker.multiply(small, { signal: never });
      expect(answers).toEqual(["started", "aborted", "started", "done"]);
    });

    test("says what multiplies", async () => {
      const { kind, description } = await observed().worker.describe();
      expect(kind).toBe(arithmetic);
      expect(description).toMatch(
        arithmetic === "wasm" ? /^WebAssembly$/ : /^onnxruntime-node 1\./,
      );
    });
  },
);
