import { z } from "zod";
import {
  ClosedError,
  DeviceLimitError,
  DeviceLostError,
  describeReason,
  NoDeviceError,
} from "../core/errors.ts";
import type { Matrix } from "../core/matrix.ts";
import { requireOptions } from "../core/options.ts";
import type { ComputeWorker, MultiplyTaskOptions, ProductShape, Task } from "../core/worker.ts";
import { Job } from "./job.ts";
import { asLimitError, packedCopy } from "./operands.ts";
import { isOrtInstalled } from "./ort-installed.ts";
import { panelRoundings, planNativePanels, planPanels } from "./panels.js";
import { type GemmThread, startGemmThread } from "./thread.ts";
import type { CpuArithmetic, LentOperands, ThreadAnswer } from "./thread-messages.ts";
import { workerOptionsSchema } from "./worker-options.ts";

export interface CpuWorkerOptions {
  /** What results and messages call this worker. */
  readonly id: string;
  /**
   * What multiplies. "wasm": jax-js' WebAssembly GEMM, in Node and in browsers. "native": the package
   * onnxruntime-node, an optional peer that only Node has, some six times faster. "auto" (default):
   * native where it is installed and can be loaded, else WebAssembly.
   */
  readonly arithmetic?: "auto" | "wasm" | "native";
}

/** A worker that also tells what multiplies in it. */
export interface CpuComputeWorker extends ComputeWorker {
  /**
   * What does the arithmetic. Loads onnxruntime-node in the worker's thread to find out, where it is
   * installed and wanted. It rejects as `multiply` does where nothing can multiply.
   */
  describe(): Promise<CpuArithmetic>;
}

const optionsSchema = workerOptionsSchema({
  arithmetic: z.enum(["auto", "wasm", "native"], 'must be "auto", "wasm" or "native"').optional(),
});

/**
 * A worker that multiplies on the CPU: one thread, started at the first product, that runs a GEMM in
 * WebAssembly, which needs nothing of the system, or the native one of onnxruntime-node.
 *
 * Tasks run in the order of the calls. Operands are copied when their turn comes; the product is new
 * memory. Each element errs by at most γ_k Σ|a||b|; NaN and ±Inf propagate. An idle worker does not
 * keep a Node process alive; it holds on to the memory of one copy, up to 128 MiB, for the next task.
 *
 * `multiply` rejects with
 * - `signal.reason` as soon as the signal aborts; the thread stops after the panel it is at
 *   (tens of milliseconds), and a task that had not begun costs nothing;
 * - a ShapeError when the operands do not fit each other;
 * - a DeviceLimitError when memory for the operands or the product cannot be had;
 * - a DeviceLostError when the thread dies; the next task gets a fresh thread;
 * - a NoDeviceError when the arithmetic is "native" and onnxruntime-node does not run here;
 * - a ClosedError when the worker is or has been disposed of.
 *
 * @throws {InputError} for an option that breaks its rule.
 * @throws {NoDeviceError} when the arithmetic is "native" and onnxruntime-node is not installed, or this is no Node.
 */
export function createCpuWorker(options: CpuWorkerOptions): CpuComputeWorker {
  const { id, arithmetic = "auto" } = requireOptions(optionsSchema, options);
  const installed = arithmetic !== "wasm" && isOrtInstalled();
  if (arithmetic === "native" && !installed) {
    throw new NoDeviceError(
      `worker ${id}: arithmetic "native" needs Node and the package onnxruntime-node: ` +
        "npm install onnxruntime-node",
    );
  }
  return new CpuWorker({ id, arithmetic: installed ? arithmetic : "wasm" }, startGemmThread);
}

const WASM: CpuArithmetic = { kind: "wasm", description: "WebAssembly" };

/**
 * A thread keeps each kernel that it compiled, and jax-js has no way to drop one: after this many,
 * some 20 MiB, a fresh thread takes over.
 */
const MOST_KERNELS = 500;

/**
 * Fresh memory costs more than the copy into it, and the tasks of one code have one shape: the memory
 * of a task's copy serves the next, unless it is more than this.
 */
const MOST_SPARE_BYTES = 128 * 2 ** 20;

/** V8 counts the bytes of memory that moves between threads in 32 bits, and drops what is beyond. */
const MOST_BYTES = 2 ** 32 - 1;

/** What `createCpuWorker` makes. Tests pass a `startThread` of their own. */
export class CpuWorker implements CpuComputeWorker {
  readonly id: string;
  readonly kind = "cpu";
  readonly #wanted: "auto" | "wasm" | "native";
  /** What multiplies, once that is known. */
  #arithmetic: CpuArithmetic | undefined;
  /** Why nothing can, if that is what a thread said last. */
  #unready: NoDeviceError | undefined;
  /** Who waits to be told. */
  readonly #asking: {
    resolve(arithmetic: CpuArithmetic): void;
    reject(reason: unknown): void;
  }[] = [];
  readonly #startThread: typeof startGemmThread;
  readonly #waiting: Job[] = [];
  /** The job that the thread is at, until the thread answers: longer than the job, if aborted. */
  #running: Job | undefined;
  #thread: GemmThread | undefined;
  /** The memory of the last task's copies. */
  #spare: Float32Array<ArrayBuffer>[] = [];
  #onThreadEnd = () => {};
  #closing: Promise<void> | undefined;

  constructor({ id, arithmetic = "wasm" }: CpuWorkerOptions, startThread: typeof startGemmThread) {
    this.id = id;
    this.#wanted = arithmetic;
    if (arithmetic === "wasm") this.#arithmetic = WASM;
    this.#startThread = startThread;
  }

  async describe(): Promise<CpuArithmetic> {
    if (this.#arithmetic) return this.#arithmetic;
    if (this.#unready) throw this.#unready;
    this.#requireOpen();
    const thread = this.#thread ?? this.#start();
    thread.keepAlive(true);
    return new Promise((resolve, reject) => {
      this.#asking.push({ resolve, reject });
    });
  }

  async multiply(task: Task, options: MultiplyTaskOptions): Promise<Matrix> {
    this.#requireOpen();
    const job = new Job(task, options, () => this.#abandon(job));
    this.#waiting.push(job);
    this.#sendNext();
    return job.product;
  }

  /** The inner length of a panel, then one a panel; for the worse arithmetic until it is known. */
  roundings({ rows, inner, cols }: ProductShape): number {
    const shape = { m: rows, k: inner, n: cols };
    const kind = this.#arithmetic?.kind;
    return Math.max(
      kind === "native" ? 0 : panelRoundings(inner, planPanels(shape).k),
      kind === "wasm" ? 0 : panelRoundings(inner, planNativePanels(shape).k),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #requireOpen(): void {
    if (this.#closing !== undefined)
      throw new ClosedError(`worker ${this.id} has been disposed of`);
  }

  #close(): Promise<void> {
    const reason = new ClosedError(`worker ${this.id} was disposed of`);
    for (const job of this.#waiting.splice(0)) job.reject(reason);
    this.#running?.reject(reason);
    for (const { reject } of this.#asking.splice(0)) reject(reason);
    this.#spare = [];
    return new Promise((resolve) => {
      if (!this.#thread) return resolve();
      this.#onThreadEnd = resolve;
      this.#thread.keepAlive(true);
      this.#thread.post({ type: "stop" });
    });
  }

  #sendNext(): void {
    while (!this.#running) {
      const job = this.#waiting.shift();
      if (!job) break;
      try {
        this.#send(job);
      } catch (error) {
        job.reject(this.#explain(job, error));
      }
    }
    this.#thread?.keepAlive(this.#running !== undefined || this.#asking.length > 0);
  }

  #send(job: Job): void {
    const { m, k, n } = job.shape;
    const largest = Math.max(m * k, k * n, m * n) * Float32Array.BYTES_PER_ELEMENT;
    if (largest > MOST_BYTES) {
      throw new DeviceLimitError(
        `a matrix of a task for worker ${this.id} must take less than 4 GiB, and one of ` +
          `${m}×${k}×${n} takes ${(largest / 2 ** 30).toFixed(1)} GiB: cut the product finer`,
      );
    }
    const a = packedCopy(job.task.a, this.#takeSpare(m * k));
    const b = packedCopy(job.task.b, this.#takeSpare(k * n));
    this.#spare = [];
    const thread = this.#thread ?? this.#start();
    thread.post({ type: "multiply", shape: job.shape, a, b }, [a.buffer, b.buffer]);
    this.#running = job;
  }

  #takeSpare(length: number): Float32Array<ArrayBuffer> | undefined {
    const at = this.#spare.findIndex((memory) => memory.length === length);
    return at < 0 ? undefined : this.#spare.splice(at, 1)[0];
  }

  #keepSpare(operands: LentOperands): void {
    const bytes = operands.reduce((sum, { byteLength }) => sum + byteLength, 0);
    this.#spare = bytes > MOST_SPARE_BYTES ? [] : [...operands];
  }

  #start(): GemmThread {
    const thread = this.#startThread(
      {
        onAnswer: (answer) => {
          if (this.#thread === thread) this.#receive(answer);
        },
        onEnd: (cause) => {
          if (this.#thread === thread) this.#lose(cause);
        },
      },
      this.#wanted,
    );
    this.#thread = thread;
    return thread;
  }

  #receive(answer: ThreadAnswer): void {
    if (answer.type === "ready" || answer.type === "unready") {
      this.#learn(answer);
      return;
    }
    const job = this.#running;
    if (!job) return;
    if (answer.type === "started") {
      job.start();
      return;
    }
    if (answer.type === "done") job.resolve(answer.c);
    if (answer.type === "failed") job.reject(this.#unready ?? this.#explain(job, answer.error));
    this.#running = undefined;
    if (this.#closing !== undefined) return;
    this.#keepSpare(answer.operands);
    // What a failed product left behind in the thread's memory is not known.
    const worn = answer.type === "done" && answer.kernels > MOST_KERNELS;
    if (worn || answer.type === "failed") this.#retireThread();
    this.#sendNext();
  }

  #lose(cause: Error): void {
    const job = this.#running;
    this.#running = undefined;
    this.#thread = undefined;
    const at = job ? `at task ${job.task.index}` : "before its first task";
    const lost = new DeviceLostError(
      `the thread of worker ${this.id} died ${at}: ${cause.message}`,
      { cause },
    );
    job?.reject(lost);
    this.#onThreadEnd();
    for (const { reject } of this.#asking.splice(0)) reject(lost);
    if (this.#closing === undefined) this.#sendNext();
  }

  #learn(answer: Extract<ThreadAnswer, { type: "ready" | "unready" }>): void {
    if (answer.type === "ready") {
      const { arithmetic } = answer;
      this.#arithmetic = arithmetic;
      this.#unready = undefined; // that was an earlier thread
      for (const { resolve } of this.#asking.splice(0)) resolve(arithmetic);
    } else {
      const { error } = answer;
      const reason = describeReason(error);
      const unready = new NoDeviceError(`worker ${this.id} cannot multiply: ${reason}`, {
        cause: error,
      });
      this.#unready = unready;
      for (const { reject } of this.#asking.splice(0)) reject(unready);
    }
    this.#thread?.keepAlive(this.#running !== undefined || this.#closing !== undefined);
  }

  #retireThread(): void {
    this.#thread?.keepAlive(false);
    this.#thread?.post({ type: "stop" });
    this.#thread = undefined;
  }

  /** The job is rejected already; this spares its work. */
  #abandon(job: Job): void {
    if (job === this.#running) {
      this.#thread?.post({ type: "abort" });
      return;
    }
    const at = this.#waiting.indexOf(job);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  #explain({ shape: { m, k, n } }: Job, error: unknown): unknown {
    return asLimitError(error, `a product ${m}×${k}×${n} on worker ${this.id}`);
  }
}
