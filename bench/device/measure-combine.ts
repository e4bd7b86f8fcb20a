import { gamma } from "../../src/core/float32.ts";
import { table } from "../../src/core/table.ts";
import { extentBytes, planCombine, prepareCombine } from "../../src/kernels/index.ts";
import { upload } from "../../test/support/buffers.ts";
import { eachRows } from "./device-rows.ts";
import { randomFloats } from "./operands.ts";
import type { CombineRow } from "./record.ts";
import type { Timer } from "./timing.ts";

const [INPUTS, OUTPUTS] = [6, 8];

/** Six blocks into eight, beside a copy that reads and writes as many bytes in all. */
export async function measureCombine(
  device: GPUDevice,
  side: number,
  timer: Timer,
): Promise<CombineRow> {
  const weights = randomFloats(INPUTS * OUTPUTS, 1);
  const coefficients = table(OUTPUTS, INPUTS, (row, col) => weights[row * INPUTS + col]!);
  const plan = planCombine(coefficients, { rows: side, cols: side }, device);
  using prepared = await prepareCombine(device, plan);
  const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
  const usage = STORAGE | COPY_DST | COPY_SRC;
  const x = randomFloats(extentBytes(plan.inputs) / 4, 2);
  const inputs = upload(device, x);
  const outputs = device.createBuffer({ size: extentBytes(plan.outputs), usage });
  const blockBytes = 4 * side * side;
  const copyBytes = ((INPUTS + OUTPUTS) * blockBytes) / 2;
  const [from, to] = [0, 1].map(() => device.createBuffer({ size: copyBytes, usage }));
  try {
    const record = (encoder: GPUCommandEncoder) => prepared.record(encoder, { inputs, outputs });
    const encoder = device.createCommandEncoder();
    record(encoder);
    encoder.copyBufferToBuffer(inputs, 0, from!, 0, Math.min(copyBytes, inputs.size));
    device.queue.submit([encoder.finish()]);
    const stride = plan.blockStrideElements;
    let error = 0;
    const rows = { buffer: outputs, rows: OUTPUTS, cols: stride };
    await eachRows(device, rows, (part, first) => {
      for (let row = 0; row < part.length / stride; row++) {
        const output = part.subarray(row * stride, row * stride + side * side);
        const own = coefficients.weights.subarray((first + row) * INPUTS);
        error = Math.max(error, errorOf(output, { weights: own, x, stride }, plan.roundings));
      }
    });
    if (!(error <= 1)) throw new Error(`combine is off by ${error} times its bound`);
    const ms = await timer.compare({
      combine: { record, passes: 1, by: "clock" },
      copy: {
        record: (each) => each.copyBufferToBuffer(from!, 0, to!, 0, copyBytes),
        passes: 0,
        by: "clock",
      },
    });
    return {
      inputs: INPUTS,
      outputs: OUTPUTS,
      blockBytes,
      ms: ms.combine,
      gbPerSecond: ((INPUTS + OUTPUTS) * blockBytes) / ms.combine.median / 1e6,
      copyGbPerSecond: (2 * copyBytes) / ms.copy.median / 1e6,
      error,
    };
  } finally {
    for (const buffer of [inputs, outputs, from!, to!]) buffer.destroy();
  }
}

/** The largest error of an output as a part of γ Σ|w||x|; infinite where something is no number. */
function errorOf(
  output: Float32Array,
  of: { readonly weights: Float64Array; readonly x: Float32Array; readonly stride: number },
  roundings: number,
): number {
  const { weights, x, stride } = of;
  const bound = gamma(roundings);
  let worst = 0;
  for (let at = 0; at < output.length; at++) {
    let [exact, magnitude] = [0, 0];
    for (let col = 0; col < INPUTS; col++) {
      const term = weights[col]! * x[col * stride + at]!;
      exact += term;
      magnitude += Math.abs(term);
    }
    const off = Math.abs(output[at]! - exact);
    if (!(off <= worst * bound * magnitude)) worst = off / (bound * magnitude);
  }
  return Number.isNaN(worst) ? Number.POSITIVE_INFINITY : worst;
}
