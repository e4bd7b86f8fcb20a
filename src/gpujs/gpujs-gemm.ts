import { DeviceLostError, describeReason } from "../core/errors.ts";
import { isContiguous, type Matrix, zeros } from "../core/matrix.ts";
import { nextMacrotask } from "../workers/next-macrotask.js";
import { packedCopy } from "../workers/operands.ts";
import { addPanel, evenPart, panelOf } from "../workers/panels.js";
import type { GpujsInstance } from "./gpujs-library.ts";

/** A shorter inner length rounds less often and keeps a panel short on a slow machine. */
const MOST_INNER = 512;

/** A panel of C is a square of at most this side: any WebGL has room for a texture of as many numbers. */
const MOST_SIDE = 1024;
const LEAST_SIDE = 16;

/** How long a panel may keep a page from its events. Smaller ones would cost more in calls. */
const LEAST_PANEL_MS = 8;
const MOST_PANEL_MS = 24;

/**
 * The kernel in the language of gpu.js, one element of C an invocation. Operands come as flat arrays,
 * as gpu.js compiles the dimensions of others in; indices are below 2²⁴, so that float32 holds them.
 */
const SOURCE = `function (a, b, inner, cols) {
  let sum = 0;
  for (let l = 0; l < inner; l++) {
    sum += a[this.thread.y * inner + l] * b[l * cols + this.thread.x];
  }
  return sum;
}`;

/** What gpu.js makes of the kernel. */
interface Kernel {
  (a: Float32Array, b: Float32Array, inner: number, cols: number): Promise<Float32Array[]>;
  setOutput(size: readonly [cols: number, rows: number]): unknown;
  destroy(): void;
}

/** The length of a panel along the inner dimension. */
export function innerOfPanels(inner: number): number {
  return evenPart(inner, MOST_INNER);
}

/** A multiplication kernel on one instance of gpu.js. One product at a time. */
export class GpujsGemm implements Disposable {
  readonly #gpu: GpujsInstance;
  readonly #kernel: Kernel;
  /** Adapts so that a panel takes neither too long nor mostly its call. */
  #side = 64;

  constructor(gpu: GpujsInstance) {
    this.#gpu = gpu;
    this.#kernel = gpu.createKernel(SOURCE, {
      output: [1, 1],
      dynamicOutput: true, // one kernel for every shape
      dynamicArguments: true,
      loopMaxIterations: MOST_INNER,
      precision: "single",
      tactic: "precision", // highp, which is float32
      asyncMode: true, // WebGL 2 reads back without making anybody wait
    }) as Kernel;
  }

  /** Whether the WebGL context is gone, and the kernel with it. */
  get isLost(): boolean {
    const context = this.#gpu.context as Partial<WebGLRenderingContext> | undefined;
    return context?.isContextLost?.() ?? false;
  }

  /**
   * C (m·n, contiguous, new memory) = A·B, panel by panel, letting other events in between.
   *
   * @throws `signal.reason` when it aborts, after at most one panel.
   * @throws {DeviceLostError} when the WebGL context is lost.
   */
  async multiply(
    { a, b }: { readonly a: Matrix; readonly b: Matrix },
    signal: AbortSignal,
  ): Promise<Float32Array> {
    const left = packed(a);
    const right = packed(b);
    const c = zeros(a.rows, b.cols);
    const depth = innerOfPanels(a.cols);
    for (let row = 0; row < c.rows; ) {
      const rows = Math.min(evenPart(c.rows, this.#side), c.rows - row);
      for (let col = 0; col < c.cols; ) {
        const cols = Math.min(evenPart(c.cols, this.#side), c.cols - col);
        for (let inner = 0; inner < a.cols; inner += depth) {
          const inners = Math.min(depth, a.cols - inner);
          await nextMacrotask();
          signal.throwIfAborted();
          const panel = await this.#multiplyPanel(
            panelOf(left, { row, col: inner, rows, cols: inners }, new Float32Array(rows * inners)),
            panelOf(
              right,
              { row: inner, col, rows: inners, cols },
              new Float32Array(inners * cols),
            ),
            { m: rows, k: inners, n: cols },
          );
          for (const [i, elements] of panel.entries()) {
            const part = { row: row + i, col, rows: 1, cols };
            addPanel(c, part, elements, inner === 0);
          }
        }
        col += cols;
      }
      row += rows;
    }
    return c.data;
  }

  async #multiplyPanel(
    a: Float32Array,
    b: Float32Array,
    { m, k, n }: { readonly m: number; readonly k: number; readonly n: number },
  ): Promise<Float32Array[]> {
    const started = performance.now();
    try {
      this.#kernel.setOutput([n, m]);
      const panel = await this.#kernel(a, b, k, n);
      if (this.isLost) throw new Error("it was lost");
      this.#adapt(performance.now() - started, Math.max(m, n));
      return panel;
    } catch (cause) {
      if (!this.isLost) throw cause;
      const reason = describeReason(cause);
      throw new DeviceLostError(`the WebGL context of gpu.js is gone: ${reason}`, { cause });
    }
  }

  #adapt(panelMs: number, side: number): void {
    if (panelMs > MOST_PANEL_MS) this.#side = Math.max(LEAST_SIDE, Math.ceil(this.#side / 1.5));
    // A small panel of a small product says nothing of larger ones.
    else if (panelMs < LEAST_PANEL_MS && 2 * side > this.#side) {
      this.#side = Math.min(MOST_SIDE, Math.ceil(this.#side * 1.5));
    }
  }

  /** Frees what the kernel holds. The instance of gpu.js is not touched. */
  [Symbol.dispose](): void {
    this.#kernel.destroy();
  }
}

function packed(source: Matrix): Matrix & { readonly data: Float32Array } {
  const { rows, cols } = source;
  if (isContiguous(source)) return source;
  return { rows, cols, rowStride: cols, data: packedCopy(source) };
}
