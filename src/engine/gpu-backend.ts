import type { BlockShape } from "../core/blocks.ts";
import type { BlockCombination } from "../core/code.ts";
import { contiguousData, type Matrix, rowRange, zeros } from "../core/matrix.ts";
import type { MatrixGrid } from "../kernels/combine/combine-layout.ts";
import { type CombinePlan, planCombine } from "../kernels/combine/combine-plan.ts";
import { gridOfViews, type ViewGrid } from "../kernels/combine/combine-views.ts";
import { raceWithLoss } from "../kernels/device/device-loss.ts";
import { scoped } from "../kernels/device-scopes.ts";
import { BufferUsage, MAP_READ_MODE } from "../kernels/gpu-constants.ts";
import { extentBytes } from "../kernels/tiling.ts";
import type { LoadedBlocks, TableBackend } from "../runtime/backend.ts";
import type { GpuLease, OpenGpu } from "../workers/gpu-lease.ts";
import { type PreparedCombines, preparedCombines } from "./prepared-combines.ts";

/** All blocks of one pass, inputs and outputs together, take at most this much of the device. */
const PANEL_BYTES = 128 * 2 ** 20;

export interface GpuBackend extends TableBackend, Disposable {}

/**
 * Applies tables on a GPU. Inputs are uploaded once where they fit, an operand as it is, and C is made as
 * it is to be: the blocks of a matrix are read and written where they lie. Blocks that do not fit go
 * through the device in stacked panels of rows. What the device cannot do, because it is lost, full or refuses, `fallback` does: an
 * operand is on the host, so losing the encoder need not lose the job.
 *
 * Uses the lease's device, the successor of a lost one included, until it is disposed of.
 */
export function createGpuBackend(options: {
  readonly lease: GpuLease;
  readonly fallback: TableBackend;
}): GpuBackend {
  const { lease, fallback } = options;
  const endLease = lease.retain();
  let prepared: { readonly device: GPUDevice; readonly combines: PreparedCombines } | undefined;
  const combinesOf = (device: GPUDevice): PreparedCombines => {
    if (prepared?.device !== device) {
      prepared?.combines[Symbol.dispose](); // of a device that was lost
      prepared = { device, combines: preparedCombines(device) };
    }
    return prepared.combines;
  };

  return {
    kind: "webgpu",
    rowsTogether: 32,
    async load(inputs, block): Promise<LoadedBlocks> {
      const stack = new InputStack(inputs, block);
      const onDevice: LoadedBlocks["combine"] = async (table, outputs, { signal }) => {
        const gpu = await lease.current();
        const rows = panelRows(table, block, gpu.device.limits);
        for (let row = 0; row < block.rows; row += rows) {
          signal.throwIfAborted();
          const panel = { row, rows: Math.min(rows, block.rows - row), cols: block.cols };
          const part = outputs.map((output) => rowRange(output, row, panel.rows));
          await runPanel(
            gpu,
            combinesOf(gpu.device),
            { stack, table, panel, outputs: part },
            signal,
          );
        }
      };
      return {
        async combine(table, outputs, { signal }) {
          try {
            await onDevice(table, outputs, { signal });
          } catch {
            signal.throwIfAborted();
            await using host = await fallback.load(inputs, block, { signal });
            await host.combine(table, outputs, { signal });
          }
        },
        async [Symbol.asyncDispose]() {
          stack.release();
        },
      };
    },
    [Symbol.dispose]() {
      prepared?.combines[Symbol.dispose]();
      prepared = undefined;
      endLease();
    },
  };
}

/** Applies a table to one range of rows of every block. */
async function runPanel(
  { device, pool }: OpenGpu,
  combines: PreparedCombines,
  job: {
    readonly stack: InputStack;
    readonly table: BlockCombination;
    readonly panel: BlockShape & { readonly row: number };
    readonly outputs: readonly Matrix[];
  },
  signal: AbortSignal,
): Promise<void> {
  const { stack, table, panel, outputs } = job;
  const shape = { rows: panel.rows, cols: panel.cols };
  const from = stack.gridFor(panel);
  const to = outputs.length > 1 ? gridOfViews(outputs, shape) : undefined;
  const plan = planCombine(table, shape, device, {
    ...(from && { inputs: gridShape(from) }),
    ...(to && { outputs: gridShape(to) }),
  });
  const outputBytes = extentBytes(plan.outputs);
  const lent: GPUBuffer[] = [];
  const borrow = async (usage: GPUBufferUsageFlags, label: string) => {
    const buffer = await pool.acquire(outputBytes, usage, label);
    lent.push(buffer);
    return buffer;
  };
  try {
    const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = BufferUsage;
    const inputs = await stack.upload({ device, pool }, plan, panel);
    const made = await borrow(STORAGE | COPY_SRC, "combine outputs");
    const staging = await borrow(MAP_READ | COPY_DST, "combine read-back");
    const combine = await combines.get(plan);
    signal.throwIfAborted();
    // Nothing is awaited from the table to the submit: another job may share the pipeline.
    const accepted = scoped(device, "a combination", () => {
      combine.setTable(table);
      const encoder = device.createCommandEncoder({ label: "combine" });
      combine.record(encoder, { inputs, outputs: made });
      encoder.copyBufferToBuffer(made, 0, staging, 0, outputBytes);
      device.queue.submit([encoder.finish()]);
    });
    const mapped = staging.mapAsync(MAP_READ_MODE, 0, outputBytes);
    mapped.catch(() => {}); // the scopes tell more of what went wrong
    await raceWithLoss(device, accepted, signal);
    await raceWithLoss(device, mapped, signal);
    const results = new Float32Array(staging.getMappedRange(0, outputBytes));
    if (to) {
      copyRows(results, to.matrix.cols, to.matrix);
    } else {
      for (const [r, output] of outputs.entries()) {
        copyRows(results.subarray(r * plan.blockStrideElements), panel.cols, output);
      }
    }
  } finally {
    for (const buffer of lent) pool.release(buffer);
  }
}

/**
 * The inputs of one operand on a device: as the matrix whose blocks they are, otherwise stacked. What was
 * uploaded last stays there.
 */
class InputStack {
  readonly #inputs: readonly Matrix[];
  readonly #block: BlockShape;
  readonly #grid: ViewGrid | undefined;
  #held:
    | { readonly gpu: Pick<OpenGpu, "device" | "pool">; readonly buffer: GPUBuffer; key: string }
    | undefined;

  constructor(inputs: readonly Matrix[], block: BlockShape) {
    this.#inputs = inputs;
    this.#block = block;
    this.#grid = gridOfViews(inputs, block);
  }

  /** The matrix whose blocks the inputs are, where the panel is all of them. */
  gridFor(panel: BlockShape): ViewGrid | undefined {
    return panel.rows === this.#block.rows ? this.#grid : undefined;
  }

  /** Uploads the panel's rows of every input, unless they are there already. */
  async upload(
    gpu: Pick<OpenGpu, "device" | "pool">,
    plan: CombinePlan,
    panel: BlockShape & { readonly row: number },
  ): Promise<GPUBuffer> {
    const key = [panel.row, panel.rows, plan.blockStrideElements].join();
    if (this.#held?.gpu.device === gpu.device && this.#held.key === key) return this.#held.buffer;
    this.release();
    const { STORAGE, COPY_DST } = BufferUsage;
    const grid = this.gridFor(panel);
    const buffer = await gpu.pool.acquire(
      extentBytes(plan.inputs),
      STORAGE | COPY_DST,
      "combine inputs",
    );
    this.#held = { gpu, buffer, key: "" };
    await scoped(gpu.device, "an upload", () => {
      if (grid) {
        const data = contiguousData(grid.matrix) as Float32Array<ArrayBuffer>;
        gpu.device.queue.writeBuffer(buffer, 0, data);
        return;
      }
      for (const [c, input] of this.#inputs.entries()) {
        const part = rowRange(input, panel.row, panel.rows);
        const shape = { rows: panel.rows, cols: this.#block.cols };
        gpu.device.queue.writeBuffer(buffer, c * strideBytes(plan), packed(part, shape));
      }
    });
    this.#held.key = key;
    return buffer;
  }

  release(): void {
    this.#held?.gpu.pool.release(this.#held.buffer);
    this.#held = undefined;
  }
}

/** As it is on the device: without gaps between rows. */
function gridShape({ matrix: { rows, cols }, gridCols }: ViewGrid): MatrixGrid {
  return { rows, cols, gridCols };
}

function strideBytes({ blockStrideElements }: CombinePlan): number {
  return blockStrideElements * Float32Array.BYTES_PER_ELEMENT;
}

function panelRows(table: BlockCombination, block: BlockShape, limits: GPUSupportedLimits): number {
  const rowBytes = block.cols * Float32Array.BYTES_PER_ELEMENT;
  const together = Math.floor(PANEL_BYTES / ((table.rows + table.cols) * rowBytes));
  const longest = Math.floor(
    limits.maxBufferSize / (Math.max(table.rows, table.cols) * rowBytes + 16),
  );
  return Math.max(1, Math.min(block.rows, together, longest));
}

/** The elements of a block of full shape, zeros where the view is smaller. */
function packed(view: Matrix, block: BlockShape): Float32Array<ArrayBuffer> {
  if (view.rows === block.rows && view.cols === block.cols) {
    return contiguousData(view) as Float32Array<ArrayBuffer>;
  }
  const whole = zeros(block.rows, block.cols);
  for (let row = 0; row < view.rows; row++) {
    const start = row * view.rowStride;
    whole.data.set(view.data.subarray(start, start + view.cols), row * block.cols);
  }
  return whole.data as Float32Array<ArrayBuffer>;
}

function copyRows(source: Float32Array, sourceStride: number, target: Matrix): void {
  for (let row = 0; row < target.rows; row++) {
    const start = row * sourceStride;
    target.data.set(source.subarray(start, start + target.cols), row * target.rowStride);
  }
}
