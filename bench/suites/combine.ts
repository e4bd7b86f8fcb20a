import type { BlockCombination } from "../../src/index.ts";
import { matdot } from "../../src/index.ts";
import {
  describeDevice,
  extentBytes,
  planCombine,
  prepareCombine,
} from "../../src/kernels/index.ts";
import { interleave, seconds } from "../measure.ts";
import { randomFloats } from "../operands.ts";
import type { Progress } from "../progress.ts";
import type { CombineRow } from "../record.ts";
import { summarize } from "../statistics.ts";

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
  const copyBytes = 4 * Math.ceil(movedBytes / 8);
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
  const recordCopy = await shaderCopy(device, from, to);
  const copyByShader = () => submit(recordCopy);
  try {
    await combine();
    await copy();
    await copyByShader();
    const error = errorOf(table, x, await download(device, outputs), {
      stride: plan.blockStrideElements,
      size: side * side,
    });
    if (!(error <= 1)) throw new Error(`combine, ${what}: ${error} times the error bound`);
    const samples = await interleave(
      [
        { name: "combine", sample: () => seconds(combine) },
        { name: "copy", sample: () => seconds(copy) },
        { name: "shader copy", sample: () => seconds(copyByShader) },
      ],
      { least: 5, most: 40, budgetMs, signal },
    );
    const [took, copied, copiedByShader] = ["combine", "copy", "shader copy"].map((name) => {
      const taken = samples.get(name)!;
      if (taken instanceof Error) throw taken;
      return summarize(taken);
    });
    return {
      what,
      inputs: table.cols,
      outputs: table.rows,
      blockBytes,
      seconds: took!,
      gbPerSecond: movedBytes / took!.median / 1e9,
      copyGbPerSecond: (2 * copyBytes) / copied!.median / 1e9,
      shaderCopyGbPerSecond: (2 * copyBytes) / copiedByShader!.median / 1e9,
      error,
    };
  } finally {
    prepared[Symbol.dispose]();
    for (const buffer of [inputs, outputs, from, to]) buffer.destroy();
  }
}

/** y[i] = x[i] in vectors, in workgroups that suit the device. */
async function shaderCopy(device: GPUDevice, from: GPUBuffer, to: GPUBuffer) {
  const workgroup = describeDevice(device).software ? 8 : 64;
  const code = `
    @group(0) @binding(0) var<storage, read> x: array<vec4f>;
    @group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
    @compute @workgroup_size(${workgroup})
    fn copy(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
      for (var i = id.x; i < arrayLength(&y); i += groups.x * ${workgroup}u) {
        y[i] = x[i];
      }
    }`;
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }), entryPoint: "copy" },
  });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [from, to].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const groups = Math.min(Math.ceil(to.size / 16 / workgroup), 65_535);
  return (encoder: GPUCommandEncoder) => {
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(groups);
    pass.end();
  };
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
