/** @file Tables applied to blocks, stacked and in matrices, against float64 within their plans' bounds. */
import { gamma } from "../../src/core/float32.ts";
import { seededRandom } from "../../src/core/random.ts";
import { table } from "../../src/core/table.ts";
import {
  type BlockCombination,
  type BlockShape,
  type CombineOptions,
  type CombinePlan,
  extentBytes,
  type MatrixGrid,
  planCombine,
  prepareCombine,
} from "../../src/kernels/index.ts";
import { download, upload, withoutValidationError } from "../../test/support/buffers.ts";
import { randomFloats } from "../../test/support/matrices.ts";
import type { CheckCase, CheckGroup } from "./check-runner.ts";

interface Job {
  readonly rows: number;
  readonly cols: number;
  readonly block: BlockShape;
  readonly options?: CombineOptions;
}

export function combineGroups(device: GPUDevice): CheckGroup[] {
  const group = (name: string, jobs: readonly Job[]) => ({
    name: `combine ${name}`,
    cases: [...jobs.map((job) => combineCase(device, job)), repeatCase(device, jobs[0]!)],
  });
  return [
    group("few inputs", stacked("few")),
    group("many inputs", stacked("many")),
    group("by Horner's rule", [
      { rows: 7, cols: 6, block: { rows: 64, cols: 65 }, options: { kernel: "horner" } },
      { rows: 20, cols: 40, block: { rows: 31, cols: 37 }, options: { kernel: "horner" } },
    ]),
    group("blocks of a matrix", grids()),
  ];
}

function stacked(kernel: "few" | "many"): readonly Job[] {
  const options = { kernel };
  return [
    { rows: 8, cols: 6, block: { rows: 256, cols: 256 }, options },
    { rows: 1, cols: 1, block: { rows: 1, cols: 5 }, options },
    { rows: 33, cols: 9, block: { rows: 7, cols: 11 }, options },
    { rows: 7, cols: 3, block: { rows: 127, cols: 131 }, options },
    {
      rows: 5,
      cols: 6,
      block: { rows: 9, cols: 7 },
      options: { ...options, blockStrideElements: 65 },
    },
    {
      rows: 7,
      cols: 6,
      block: { rows: 16, cols: 16 },
      options: { ...options, offsets: { inputs: 3, outputs: 70 } },
    },
    ...(kernel === "many"
      ? [{ rows: 100, cols: 40, block: { rows: 17, cols: 19 }, options }]
      : [{ rows: 5, cols: 16, block: { rows: 64, cols: 64 }, options }]),
  ];
}

function grids(): readonly Job[] {
  const block = { rows: 60, cols: 64 };
  const odd = { rows: 13, cols: 7 };
  const grid = (of: BlockShape, down: number, across: number, cut: number): MatrixGrid => {
    const cols = across * of.cols - cut;
    return { rows: down * of.rows - cut, cols, rowStride: cols + cut, gridCols: across };
  };
  return [
    { rows: 7, cols: 3, block, options: { inputs: grid(block, 1, 3, 0) } },
    { rows: 7, cols: 6, block, options: { inputs: grid(block, 2, 3, 8) } },
    { rows: 9, cols: 4, block: odd, options: { inputs: grid(odd, 2, 2, 3) } },
    { rows: 6, cols: 9, block, options: { outputs: grid(block, 3, 2, 4) } },
    {
      rows: 4,
      cols: 6,
      block: odd,
      options: { inputs: grid(odd, 3, 2, 1), outputs: grid(odd, 2, 2, 5) },
    },
  ];
}

function combineCase(device: GPUDevice, job: Job): CheckCase {
  const { rows, cols, block, options = {} } = job;
  return {
    name: `${rows}×${cols} on blocks of ${block.rows}×${block.cols} ${JSON.stringify(options)}`,
    async worst() {
      const { plan, given, filled } = await apply(device, job);
      return deviationOf(plan, given, filled);
    },
  };
}

function repeatCase(device: GPUDevice, job: Job): CheckCase {
  return {
    name: "the same bits twice",
    async worst() {
      const [first, second] = [await apply(device, job), await apply(device, job)];
      const words = ({ filled }: typeof first) => new Uint32Array(filled.buffer);
      const other = words(second);
      if (words(first).some((word, at) => word !== other[at])) throw new Error("two runs differ");
      return 0;
    },
  };
}

/** Runs a combination on random blocks; all that is no element of a block is NaN before. */
async function apply(device: GPUDevice, { rows, cols, block, options = {} }: Job) {
  const horner = options.kernel === "horner";
  const plan = planCombine((horner ? powers : randomTable)(rows, cols), block, device, options);
  const given = new Float32Array(extentBytes(plan.inputs) / 4).fill(Number.NaN);
  const values = randomFloats(given.length, "blocks");
  for (const place of places(plan, "inputs")) {
    place.forEach((at) => {
      if (at >= 0) given[at] = values[at]!;
    });
  }
  const poison = new Float32Array(extentBytes(plan.outputs) / 4 + 3).fill(Number.NaN);
  const buffers = { inputs: upload(device, given), outputs: upload(device, poison) };
  const filled = await withoutValidationError(device, async () => {
    using combine = await prepareCombine(device, plan);
    const encoder = device.createCommandEncoder();
    combine.record(encoder, buffers);
    device.queue.submit([encoder.finish()]);
    return download(device, buffers.outputs);
  });
  for (const buffer of Object.values(buffers)) buffer.destroy();
  return { plan, given, filled };
}

/** The worst element, as a multiple of its bound; infinite where what is no output was overwritten. */
function deviationOf(plan: CombinePlan, given: Float32Array, filled: Float32Array): number {
  const { rows, cols, weights } = plan.table;
  const [from, to] = [places(plan, "inputs"), places(plan, "outputs")];
  const belongs = new Uint8Array(filled.length);
  for (const place of to) {
    for (const at of place) if (at >= 0) belongs[at] = 1;
  }
  const stacks = !plan.grids.inputs && !plan.grids.outputs;
  if (!stacks && filled.some((value, at) => !belongs[at] && !Number.isNaN(value))) {
    return Number.POSITIVE_INFINITY;
  }
  let worst = 0;
  for (let row = 0; row < rows; row++) {
    for (const [element, at] of to[row]!.entries()) {
      if (at < 0) continue;
      let [exact, magnitude] = [0, 0];
      for (let col = 0; col < cols; col++) {
        const place = from[col]![element]!;
        const term = place < 0 ? 0 : weights[row * cols + col]! * given[place]!;
        exact += term;
        magnitude += Math.abs(term);
      }
      const off = Math.abs(filled[at]! - exact);
      const ratio = off === 0 ? 0 : off / (gamma(plan.roundings) * magnitude);
      if (!(ratio <= worst)) worst = ratio;
    }
  }
  return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst;
}

/** Where the elements of each block are in their buffer; -1 where a matrix has none. */
function places(plan: CombinePlan, side: "inputs" | "outputs"): readonly Int32Array[] {
  const { block } = plan;
  const stored = plan[side];
  const grid = plan.grids[side];
  const count = side === "inputs" ? plan.table.cols : plan.table.rows;
  return Array.from({ length: count }, (_, number) =>
    Int32Array.from({ length: block.rows * block.cols }, (_unused, element) => {
      if (!grid) return stored.offset + number * stored.rowStride + element;
      const row =
        Math.floor(number / grid.gridCols) * block.rows + Math.floor(element / block.cols);
      const col = (number % grid.gridCols) * block.cols + (element % block.cols);
      const exists = row < grid.rows && col < grid.cols;
      return exists ? stored.offset + row * stored.rowStride + col : -1;
    }),
  );
}

function randomTable(rows: number, cols: number): BlockCombination {
  const random = seededRandom("table", rows, cols);
  return table(rows, cols, () => 2 * random() - 1);
}

/** Rows of the powers of as many points. */
function powers(rows: number, cols: number): BlockCombination {
  return table(rows, cols, (row, power) => ((2 * row + 1) / rows - 1) ** power);
}
