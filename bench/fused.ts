/**
 * @file `npm run bench:fused`: would a worker that holds the source blocks gain by encoding while its GEMM
 * loads? Times a GEMM whose loads combine three blocks against the combination of the same blocks
 * followed by a plain GEMM. The fused kernel is made here out of `gemm_subgroup.wgsl` and is no part of
 * the library, because it is slower: a GEMM loads every element of its operands many times, and each load
 * becomes as many loads as there are blocks.
 */

import { table } from "../src/core/table.ts";
import { prepareCombine } from "../src/kernels/combine/combine.ts";
import { planCombine } from "../src/kernels/combine/combine-plan.ts";
import { describeDevice, openDevice } from "../src/kernels/device/device.ts";
import { prepareGemm } from "../src/kernels/gemm/gemm.ts";
import { planGemm } from "../src/kernels/gemm/gemm-plan.ts";
import { withPrelude } from "../src/kernels/pipelines.ts";
import { gemmSubgroupWgsl } from "../src/kernels/shaders.generated.ts";
import { interleave, seconds } from "./measure.ts";

const PARTS = 3;
const WEIGHTS = [1, 0.7, 0.3];
const SHAPES = [
  { m: 512, k: 172, n: 512 },
  { m: 1024, k: 344, n: 1024 },
];

const device = await openDevice();
const { description } = describeDevice(device);
console.log(`${description}: median ms of encoding ${PARTS} blocks of A and of B and multiplying`);
for (const shape of SHAPES) {
  const sides = await contenders(shape);
  const results = await interleave(sides, {
    least: 5,
    most: 25,
    budgetMs: 5000,
    signal: new AbortController().signal,
  });
  const medians = [...results].map(([name, samples]) => {
    if (samples instanceof Error) throw samples;
    return `${name} ${(1000 * samples.sort((x, y) => x - y)[samples.length >> 1]!).toFixed(1)}`;
  });
  console.log(`${shape.m}×${shape.k}×${shape.n}: ${medians.join(", ")}`);
}
device.destroy();

async function contenders({ m, k, n }: (typeof SHAPES)[number]) {
  const [a, b] = [random(PARTS * m * k), random(PARTS * k * n)];
  const [codedA, codedB, apart, fused] = [empty(m * k), empty(k * n), empty(m * n), empty(m * n)];
  const plan = planGemm({ m, k, n }, device, { family: "subgroup" });
  const gemm = await prepareGemm(device, plan);
  const weights = table(1, PARTS, (_, c) => WEIGHTS[c]!);
  const encodeA = await prepareCombine(device, planCombine(weights, { rows: m, cols: k }, device));
  const encodeB = await prepareCombine(device, planCombine(weights, { rows: k, cols: n }, device));
  const run = (record: (encoder: GPUCommandEncoder) => void) => async () => {
    const encoder = device.createCommandEncoder();
    record(encoder);
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
  };
  const recordFused = await fusedGemm(plan, { a, b, c: fused });
  const inTwoSteps = run((encoder) => {
    encodeA.record(encoder, { inputs: a, outputs: codedA });
    encodeB.record(encoder, { inputs: b, outputs: codedB });
    gemm.record(encoder, { a: codedA, b: codedB, c: apart });
  });
  const inOne = run(recordFused);
  await inTwoSteps();
  await inOne();
  await requireEqual(apart, fused, m * n);
  return [
    { name: "encode, then multiply", sample: () => seconds(inTwoSteps) },
    { name: "encode while loading", sample: () => seconds(inOne) },
  ];
}

/** The planned kernel with loads that combine `PARTS` stacked blocks. */
async function fusedGemm(
  plan: ReturnType<typeof planGemm>,
  buffers: { readonly a: GPUBuffer; readonly b: GPUBuffer; readonly c: GPUBuffer },
) {
  const { m, k, n } = plan.shape;
  const [, second, third] = WEIGHTS;
  const combined = (name: "a" | "b", at: string, block: number) =>
    `return fma(vec4f(${third}), widen_${name}(${name}[${at} + ${(2 * block) / 4}u]), ` +
    `fma(vec4f(${second}), widen_${name}(${name}[${at} + ${block / 4}u]), widen_${name}(${name}[${at}])));`;
  const atA = "(start + row * tile.a_stride + i) / 4u";
  const atB = "(at + min(col, (tile.n - 1u) & ~3u)) / 4u";
  const code = withPrelude(gemmSubgroupWgsl, plan.prelude)
    .replace(`return widen_a(a[${atA}]);`, combined("a", atA, m * k))
    .replace(`return widen_b(b[${atB}]);`, combined("b", atB, k * n));
  const pipeline = await device.createComputePipelineAsync({
    layout: "auto",
    compute: {
      module: device.createShaderModule({ code }),
      entryPoint: "gemm_subgroup",
      constants: plan.constants,
    },
  });
  const uniforms = device.createBuffer({
    size: 64,
    usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
  });
  device.queue.writeBuffer(
    uniforms,
    0,
    Uint32Array.of(m, k, n, 0, k, 0, n, 0, n, 1, k, 0, 0, 0, 0, 0),
  );
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [uniforms, buffers.a, buffers.b, buffers.c].map((buffer, binding) => ({
      binding,
      resource: { buffer },
    })),
  });
  return (encoder: GPUCommandEncoder) => {
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...plan.tiles[0]!.workgroups);
    pass.end();
  };
}

/** @throws {Error} when the two ways differ by more than rounding explains. */
async function requireEqual(expected: GPUBuffer, actual: GPUBuffer, count: number): Promise<void> {
  const [one, other] = [await download(expected, count), await download(actual, count)];
  const worst = one.reduce((most, value, at) => Math.max(most, Math.abs(value - other[at]!)), 0);
  if (!(worst < 1e-3) || one.every((value) => value === 0)) throw new Error(`differs by ${worst}`);
}

async function download(buffer: GPUBuffer, count: number): Promise<Float32Array> {
  const staging = device.createBuffer({
    size: 4 * count,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, 4 * count);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const values = new Float32Array(staging.getMappedRange()).slice();
  staging.destroy();
  return values;
}

function random(count: number): GPUBuffer {
  const buffer = empty(count);
  const values = Float32Array.from({ length: count }, () => Math.random() - 0.5);
  device.queue.writeBuffer(buffer, 0, values);
  return buffer;
}

function empty(count: number): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  return device.createBuffer({ size: 4 * count, usage });
}
