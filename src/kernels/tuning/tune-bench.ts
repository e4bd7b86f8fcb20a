import { DeviceLimitError } from "../../core/errors.ts";
import { describeDevice } from "../device/device.ts";
import { raceWithLoss } from "../device/device-loss.ts";
import { scoped } from "../device-scopes.ts";
import { type PreparedGemm, prepareGemm } from "../gemm/gemm.ts";
import type { GemmShape } from "../gemm/gemm-family.ts";
import { type GemmPlan, planGemm } from "../gemm/gemm-plan.ts";
import { BufferUsage, MAP_READ_MODE } from "../gpu-constants.ts";
import {
  type ExactCheck,
  fillOperands,
  type OperandLayout,
  operandSize,
  wrongRow,
} from "./tune-operands.ts";
import { CandidateError, type Contender } from "./tune-search.ts";
import { createStopwatch, type Stopwatch } from "./tune-stopwatch.ts";
import type { GemmCandidate } from "./tuning.ts";

/** One sample is meant to take this long: long beside clock steps, short beside what people notice. */
const SAMPLE_MS = { software: 60, hardware: 20 };
/** No submit is meant to take longer than this. */
const SUBMIT_MS = 60;
/** A first guess errs on the side of short submits; the first product corrects it. */
const FIRST_GUESS_FLOPS_PER_MS = { software: 5e5, hardware: 1e8 };
/** A product is at most so many times in a sample: shorter ones are mostly overhead anyway. */
const MOST_PRODUCTS = 1000;
/** Tiles in one submit. Each is a few passes, and a stopwatch measures no more than 2048. */
const MOST_TILES = 200;
/** C is read back for its check in parts of this size. */
const READ_BYTES = 32 * 2 ** 20;

/** One shape's operands on a device, and the means to check and to time candidates on them. */
export class TuneBench implements Disposable {
  readonly #device: GPUDevice;
  readonly #shape: GemmShape;
  readonly #layout: OperandLayout;
  readonly #signal: AbortSignal;
  readonly #kind: "software" | "hardware";
  readonly #buffers: { readonly a: GPUBuffer; readonly b: GPUBuffer; readonly c: GPUBuffer };
  readonly #staging: GPUBuffer;
  readonly #check: ExactCheck;
  readonly #stopwatch: Stopwatch;
  /** Of the fastest candidate so far. */
  #flopsPerMs: number;

  private constructor(
    device: GPUDevice,
    job: { readonly shape: GemmShape; readonly layout: OperandLayout },
    signal: AbortSignal,
    owned: GPUBuffer[],
  ) {
    const { m, k, n } = job.shape;
    const { precision } = job.layout;
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = BufferUsage;
    const create = (size: number, usage: number, mappedAtCreation: boolean) => {
      const buffer = device.createBuffer({ label: "anyk tuning", size, usage, mappedAtCreation });
      owned.push(buffer);
      return buffer;
    };
    this.#device = device;
    this.#shape = job.shape;
    this.#layout = job.layout;
    this.#signal = signal;
    this.#kind = describeDevice(device).software ? "software" : "hardware";
    this.#flopsPerMs = FIRST_GUESS_FLOPS_PER_MS[this.#kind];
    const a = create(operandSize(m * k, precision), STORAGE, true);
    const b = create(operandSize(k * n, precision), STORAGE, true);
    const c = create(4 * m * n, STORAGE | COPY_SRC | COPY_DST, false);
    this.#buffers = { a, b, c };
    const readRows = Math.min(m, Math.max(1, Math.floor(READ_BYTES / (4 * n))));
    this.#staging = create(4 * readRows * n, MAP_READ | COPY_DST, false);
    this.#check = fillOperands(job.shape, job.layout, {
      a: a.getMappedRange(),
      b: b.getMappedRange(),
    });
    a.unmap();
    b.unmap();
    this.#stopwatch = createStopwatch(device);
  }

  /**
   * Makes and fills the matrices.
   *
   * @throws {DeviceLimitError} when the device has no room for them.
   */
  static async create(
    device: GPUDevice,
    job: { readonly shape: GemmShape; readonly layout: OperandLayout },
    signal: AbortSignal,
  ): Promise<TuneBench> {
    const owned: GPUBuffer[] = [];
    let bench: TuneBench | undefined;
    try {
      const made = scoped(device, "the matrices of a product to be tuned", () => {
        bench = new TuneBench(device, job, signal, owned);
      });
      await raceWithLoss(device, made, signal);
      return bench!;
    } catch (error) {
      bench?.[Symbol.dispose]();
      for (const buffer of owned) buffer.destroy();
      if (error instanceof RangeError) {
        throw new DeviceLimitError("the device cannot map that much memory", { cause: error });
      }
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const buffer of [...Object.values(this.#buffers), this.#staging]) buffer.destroy();
    this.#stopwatch[Symbol.dispose]();
  }

  /**
   * Compiles a candidate, runs it once and checks the whole product.
   *
   * @throws {CandidateError} when it cannot be compiled or run, or is wrong.
   * @throws {DeviceLostError}, and `signal.reason`.
   */
  async prepare(candidate: GemmCandidate): Promise<Contender> {
    const ms = await this.#tryOut(candidate);
    const gemm = await this.#compile(candidate);
    return this.#contender(gemm, ms);
  }

  /** Runs a candidate for the first time, when some drivers compile it, and checks it. In ms. */
  async #tryOut(candidate: GemmCandidate): Promise<number> {
    using gemm = await this.#compile(candidate);
    try {
      this.#clear();
      const ms = await this.#run(gemm, 1);
      await this.#requireRight();
      this.#learn(ms);
      return ms;
    } catch (error) {
      throw this.#asCandidateError(error);
    }
  }

  get #flops(): number {
    const { m, k, n } = this.#shape;
    return 2 * m * k * n;
  }

  get #maxFlops(): number {
    return this.#flopsPerMs * SUBMIT_MS;
  }

  #learn(ms: number): void {
    this.#flopsPerMs = Math.max(this.#flopsPerMs, this.#flops / ms);
  }

  /** `ms`: what one product takes, roughly. */
  #contender(gemm: PreparedGemm, ms: number): Contender {
    const sampleMs = SAMPLE_MS[this.#kind];
    let lastMs = ms;
    return {
      sample: async () => {
        const products = Math.min(MOST_PRODUCTS, Math.max(1, Math.round(sampleMs / lastMs)));
        lastMs = (await this.#run(gemm, products)) / products;
        this.#learn(lastMs);
        return lastMs;
      },
      [Symbol.dispose]: () => gemm[Symbol.dispose](),
    };
  }

  /** For dispatches as long as is found bearable by now. */
  async #compile({ family, config }: GemmCandidate): Promise<PreparedGemm> {
    const { precision, transposeA, transposeB } = this.#layout;
    const device = this.#device;
    try {
      const plan: GemmPlan = planGemm(this.#shape, device, {
        family,
        config,
        precision,
        transposeA,
        transposeB,
        // A power of two, so that a little more speed does not make another plan.
        maxFlopsPerPass: 2 ** Math.floor(Math.log2(this.#maxFlops)),
      });
      this.#signal.throwIfAborted();
      const preparing = prepareGemm(device, plan);
      return await raceWithLoss(device, preparing, this.#signal).catch((error: unknown) => {
        // What comes too late to be used has memory all the same.
        preparing.then(
          (gemm) => gemm[Symbol.dispose](),
          () => {},
        );
        throw error;
      });
    } catch (error) {
      throw this.#asCandidateError(error);
    }
  }

  /** Whatever is neither the caller's wish nor the device's end is the candidate's fault. */
  #asCandidateError(error: unknown): unknown {
    const isEnd = this.#signal.aborted || (error as { code?: unknown })?.code === "ERR_DEVICE_LOST";
    if (isEnd || error instanceof CandidateError) return error;
    return new CandidateError(error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }

  /** Makes the product so many times, in submits of bearable length. In ms. */
  async #run(gemm: PreparedGemm, products: number): Promise<number> {
    const { tiles } = gemm.plan;
    const perSubmit = Math.max(1, Math.floor(this.#maxFlops / (this.#flops / tiles.length)));
    const queue = Array.from({ length: products * tiles.length }, (_, i) => i % tiles.length);
    let ms = 0;
    while (queue.length > 0) {
      const indices = queue.splice(0, Math.min(perSubmit, MOST_TILES));
      ms += await this.#stopwatch.time((encoder) => {
        for (const index of indices) gemm.recordTile(encoder, this.#buffers, index);
      }, this.#signal);
    }
    return ms;
  }

  #clear(): void {
    const device = this.#device;
    const encoder = device.createCommandEncoder({ label: "anyk tuning" });
    encoder.clearBuffer(this.#buffers.c);
    device.queue.submit([encoder.finish()]);
  }

  async #requireRight(): Promise<void> {
    const { m, n } = this.#shape;
    const device = this.#device;
    const rowBytes = 4 * n;
    const most = Math.floor(this.#staging.size / rowBytes);
    for (let first = 0; first < m; first += most) {
      const bytes = Math.min(most, m - first) * rowBytes;
      const encoder = device.createCommandEncoder({ label: "anyk tuning" });
      encoder.copyBufferToBuffer(this.#buffers.c, first * rowBytes, this.#staging, 0, bytes);
      device.queue.submit([encoder.finish()]);
      await raceWithLoss(device, this.#staging.mapAsync(MAP_READ_MODE, 0, bytes), this.#signal);
      const rows = new Float32Array(this.#staging.getMappedRange(0, bytes));
      const wrong = wrongRow(rows, first, this.#check);
      this.#staging.unmap();
      if (wrong !== undefined) throw new CandidateError(`its product is wrong in row ${wrong}`);
    }
  }
}
