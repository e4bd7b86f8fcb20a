import type { BlockCombination } from "../../src/index.ts";
import { matdot } from "../../src/index.ts";
import { extentBytes, planCombine, prepareCombine } from "../../src/kernels/index.ts";
import { interleave, seconds } from "../measure.ts";
import { randomFloats } from "../operands.ts";
import type { Progress } from "../progress.ts";
import type { CombineRow } from "../record.ts";
import { type Summary, summarize } from "../statistics.ts";
import { shaderCopies } from "./shader-copy.ts";

export interface CombineSuiteOptions {
  readonly device: GPUDevice;
  /** Sides of the square blocks. */
  readonly sides: readonly number[];
  readonly budgetMs: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Encoding and decoding as bytes a second, beside a copy of as many bytes on the same device. */
export async function runCombineSuite(options: CombineSuiteOptions): Promise<CombineRow[]> {
  const code = matdot({ parts: 3, tasks: 7 });
  const received = new Set(Array.from({ length: code.recoveryThreshold }, (_, i) => i));
  const jobs = [
    { what: "6 inputs, 8 outputs", table: randomTable(8, 6) },
    { what: "encode A, MatDot 3 of 7", table: code.encodePlan.a },
    { what: "decode, MatDot 3 of 7", table: code.decodePlan(received).c },
  ];
  const rows: CombineRow[] = [];
  for (const side of options.sides) {
    for (const { what, table } of jobs) {
      options.progress.step(`combine ${what}, blocks of ${side}×${side}`);
      rows.push(await measure(what, table, side, options));
    }
  }
  return rows;
}

async function measure(
  what: string,
  table: BlockCombination,
  side: number,
  { device, budgetMs, signal }: CombineSuiteOptions,
): Promise<CombineRow> {
  const plan = planCombine(table, { rows: side, cols: side }, device);
  const prepared = await prepareCombine(device, plan);
  const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
  const usage = STORAGE | COPY_DST | COPY_SRC;
  const create = (size: number) => device.createBuffer({ size, usage });
  const inputs = create(extentBytes(plan.inputs));
  const outputs = create(extentBytes(plan.outputs));
  const blockBytes = 4 * side * side;
  const movedBytes = (table.cols + table.rows) * blockBytes;
  // A copy reads what it writes, so half as many bytes make as many moved.
  const copyBytes = 64 * Math.ceil(movedBytes / 128);
  const [from, to] = [create(copyBytes), create(copyBytes)];
  const x = randomFloats(inputs.size / 4, what, side);
  device.queue.writeBuffer(inputs, 0, x);

  const submit = async (record: (encoder: GPUCommandEncoder) => void) => {
    const encoder = device.createCommandEncoder();
    record(encoder);
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  };
  const combine = () => submit((encoder) => prepared.record(encoder, { inputs, outputs }));
  const copy = () => submit((encoder) => encoder.copyBufferToBuffer(from, 0, to, 0, copyBytes));
  const byShader = (await shaderCopies(device, from, to)).map(({ name, record }) => ({
    name,
    run: () => submit(record),
  }));
  try {
    await combine();
    await copy();
    device.queue.writeBuffer(from, 0, randomFloats(copyBytes / 4, "copied", side));
    const original = await download(device, from);
    for (const { name, run } of byShader) {
      await submit((encoder) => encoder.clearBuffer(to));
      await run();
      const copied = await download(device, to);
      if (copied.some((value, i) => value !== original[i])) {
        throw new Error(`the copy by a shader does not copy: ${name}`);
      }
    }
    const error = errorOf(table, x, await download(device, outputs), {
      stride: plan.blockStrideElements,
      size: side * side,
    });
    if (!(error <= 1)) throw new Error(`combine, ${what}: ${error} times the error bound`);
    const samples = await interleave(
      [
        { name: "combine", sample: () => seconds(combine) },
        { name: "copy", sample: () => seconds(copy) },
        ...byShader.map(({ name, run }) => ({ name, sample: () => seconds(run) })),
      ],
      { least: 5, most: 40, budgetMs, signal },
    );
    const timeOf = (name: string): Summary => {
      const taken = samples.get(name)!;
      if (taken instanceof Error) throw taken;
      return summarize(taken);
    };
    const took = timeOf("combine");
    const fastestCopy = Math.min(...byShader.map(({ name }) => timeOf(name).median));
    return {
      what,
      inputs: table.cols,
      outputs: table.rows,
      blockBytes,
      seconds: took,
      gbPerSecond: movedBytes / took.median / 1e9,
      copyGbPerSecond: (2 * copyBytes) / timeOf("copy").median / 1e9,
      shaderCopyGbPerSecond: (2 * copyBytes) / fastestCopy / 1e9,
      error,
    };
  } finally {
    prepared[Symbol.dispose]();
    for (const buffer of [inputs, outputs, from, to]) buffer.destroy();
  }
}

/** Elements that are compared of each output. */
const COMPARED = 4096;

/** The largest error as a part of γ_{c+1} Σ|w||x|, c counting inputs. */
function errorOf(
  { rows, cols, weights }: BlockCombination,
  x: Float32Array,
  y: Float32Array,
  { stride, size }: { readonly stride: number; readonly size: number },
): number {
  const gamma = ((cols + 1) * 2 ** -24) / (1 - (cols + 1) * 2 ** -24);
  const step = Math.max(1, Math.floor(size / COMPARED));
  let worst = 0;
  for (let row = 0; row < rows; row++) {
    for (let at = 0; at < size; at += step) {
      let sum = 0;
      let scale = 0;
      for (let col = 0; col < cols; col++) {
        const term = weights[row * cols + col]! * x[col * stride + at]!;
        sum += term;
        scale += Math.abs(term);
      }
      const error = Math.abs(y[row * stride + at]! - sum) / (gamma * scale);
      if (!(error <= worst)) worst = error;
    }
  }
  return worst;
}

function randomTable(rows: number, cols: number): BlockCombination {
  return { rows, cols, weights: Float64Array.from(randomFloats(rows * cols, "table")) };
}

/** The content of a buffer with usage COPY_SRC. */
export async function download(device: GPUDevice, buffer: GPUBuffer): Promise<Float32Array> {
  const { MAP_READ, COPY_DST } = GPUBufferUsage;
  const staging = device.createBuffer({ size: buffer.size, usage: MAP_READ | COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const content = new Float32Array(staging.getMappedRange()).slice();
  staging.destroy();
  return content;
}
