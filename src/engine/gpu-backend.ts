import type { BlockShape } from "../core/blocks.ts";
import type { BlockCombination } from "../core/code.ts";
import { InputError } from "../core/errors.ts";
import { contiguousData, type Matrix, rowRange, zeros } from "../core/matrix.ts";
import { type PreparedCombine, prepareCombine } from "../kernels/combine.ts";
import { type CombinePlan, planCombine } from "../kernels/combine-plan.ts";
import { raceWithLoss } from "../kernels/device-loss.ts";
import type { LoadedBlocks, TableBackend } from "../runtime/backend.ts";
import type { GpuLease } from "../workers/gpu-lease.ts";

/** All blocks of one pass, inputs and outputs together, take at most this much of the device. */
const PANEL_BYTES = 128 * 2 ** 20;
/** Compiled combinations that are kept for the next job of the same shape. */
const MOST_PREPARED = 16;

export interface GpuBackend extends TableBackend, Disposable {}

/** Compiled combinations of one device. */
type PreparedCombines = ReturnType<typeof preparedCombines>;

/**
 * Applies tables on a GPU. Blocks that do not fit go through it in panels of rows. What the device
 * cannot do, because it is lost or its memory is full, `fallback` does: an operand is on the host, so
 * losing the encoder need not lose the job.
 *
 * Uses the lease's device, the successor of a lost one included, until it is disposed of.
 */
export function createGpuBackend(options: {
  readonly lease: GpuLease;
  readonly fallback: TableBackend;
}): GpuBackend {
  const { lease, fallback } = options;
  const endLease = lease.retain();
  const combines = new Map<GPUDevice, PreparedCombines>();
  const preparedFor = (device: GPUDevice): PreparedCombines => {
    const known = combines.get(device) ?? preparedCombines(device);
    if (!combines.has(device)) {
      combines.clear(); // of lost devices
      combines.set(device, known);
    }
    return known;
  };

  const runPanel = async (
    table: BlockCombination,
    inputs: readonly Matrix[],
    outputs: readonly Matrix[],
    block: BlockShape,
    signal: AbortSignal,
  ): Promise<void> => {
    const { device, pool } = await lease.current();
    const plan = planCombine(table, block, device);
    const strideBytes = plan.blockStrideElements * Float32Array.BYTES_PER_ELEMENT;
    const outputBytes = table.rows * strideBytes;
    const lent: GPUBuffer[] = [];
    const borrow = async (bytes: number, usage: GPUBufferUsageFlags, label: string) => {
      const buffer = await pool.acquire(bytes, usage, label);
      lent.push(buffer);
      return buffer;
    };
    try {
      const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
      const stack = await borrow(table.cols * strideBytes, STORAGE | COPY_DST, "combine inputs");
      const made = await borrow(outputBytes, STORAGE | COPY_SRC, "combine outputs");
      const staging = await borrow(outputBytes, MAP_READ | COPY_DST, "combine read-back");
      const combine = await preparedFor(device).get(plan);
      signal.throwIfAborted();
      for (const [c, input] of inputs.entries()) {
        device.queue.writeBuffer(stack, c * strideBytes, packed(input, block));
      }
      // Nothing is awaited from the table to the submit: another job may share the pipeline.
      combine.setTable(table);
      const encoder = device.createCommandEncoder({ label: "combine" });
      combine.record(encoder, { inputs: stack, outputs: made });
      encoder.copyBufferToBuffer(made, 0, staging, 0, outputBytes);
      device.queue.submit([encoder.finish()]);
      await raceWithLoss(device, staging.mapAsync(GPUMapMode.READ, 0, outputBytes), signal);
      const results = new Float32Array(staging.getMappedRange(0, outputBytes));
      for (const [r, output] of outputs.entries()) {
        copyRows(results.subarray(r * plan.blockStrideElements), block.cols, output);
      }
    } finally {
      for (const buffer of lent) pool.release(buffer);
    }
  };

  return {
    kind: "webgpu",
    rowsTogether: 32,
    async load(inputs, block): Promise<LoadedBlocks> {
      const combine: LoadedBlocks["combine"] = async (table, outputs, { signal }) => {
        const rows = panelRows(table, block, lease.device.limits);
        for (let row = 0; row < block.rows; row += rows) {
          signal.throwIfAborted();
          const panel = { rows: Math.min(rows, block.rows - row), cols: block.cols };
          const slice = (whole: Matrix) => rowRange(whole, row, panel.rows);
          await runPanel(table, inputs.map(slice), outputs.map(slice), panel, signal);
        }
      };
      return {
        async combine(table, outputs, { signal }) {
          try {
            await combine(table, outputs, { signal });
          } catch (error) {
            if (signal.aborted || error instanceof InputError) throw error;
            await using host = await fallback.load(inputs, block, { signal });
            await host.combine(table, outputs, { signal });
          }
        },
        async [Symbol.asyncDispose]() {},
      };
    },
    [Symbol.dispose]() {
      for (const prepared of combines.values()) prepared[Symbol.dispose]();
      combines.clear();
      endLease();
    },
  };
}

/** Compiled combinations by size of table and block; the one used longest ago goes first. */
function preparedCombines(device: GPUDevice) {
  const known = new Map<string, Promise<PreparedCombine>>();
  return {
    get(plan: CombinePlan): Promise<PreparedCombine> {
      const { table, block } = plan;
      const key = [table.rows, table.cols, block.rows, block.cols].join();
      const found = known.get(key) ?? prepareCombine(device, plan);
      known.delete(key);
      known.set(key, found);
      found.catch(() => known.delete(key)); // the next call tries again
      if (known.size > MOST_PREPARED) {
        const [oldest, unused] = known.entries().next().value!;
        known.delete(oldest);
        void unused.then(
          (combine) => combine[Symbol.dispose](),
          () => {},
        );
      }
      return found;
    },
    [Symbol.dispose]() {
      for (const each of known.values()) {
        void each.then(
          (combine) => combine[Symbol.dispose](),
          () => {},
        );
      }
      known.clear();
    },
  };
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
