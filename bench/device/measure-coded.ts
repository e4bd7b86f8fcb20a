import { matdot } from "../../src/codes/matdot.ts";
import { gamma } from "../../src/core/float32.ts";
import {
  type BlockCombination,
  type CombineOptions,
  extentBytes,
  type GemmPrecision,
  type GemmTuning,
  planCombine,
  planGemm,
  prepareCombine,
  prepareGemm,
} from "../../src/kernels/index.ts";
import { upload } from "../../test/support/buffers.ts";
import { eachRows } from "./device-rows.ts";
import { PASSES } from "./measure-gemm.ts";
import { ErrorMeter, probeOf, randomFloats } from "./operands.ts";
import type { CodedRow } from "./record.ts";
import type { Timer } from "./timing.ts";

const [PARTS, TASKS] = [3, 7];

/**
 * MatDot, any five of seven tasks, with A, B, all coded blocks and C on the device: encoding of all
 * tasks from where the blocks lie in A and B, the products of five of them, and decoding into C.
 */
export async function measureCoded(
  device: GPUDevice,
  job: { readonly size: number; readonly precision: GemmPrecision; readonly tuned: GemmTuning },
  timer: Timer,
): Promise<CodedRow> {
  const { size, precision, tuned } = job;
  const code = matdot({ parts: PARTS, tasks: TASKS });
  const part = size / PARTS;
  const needed = Array.from({ length: code.recoveryThreshold }, (_, task) => TASKS - 1 - task);
  const decoding = code.decodePlan(new Set(needed));
  const whole = { m: size, k: size, n: size };
  const combineFor = (
    coefficients: BlockCombination,
    block: { readonly rows: number; readonly cols: number },
    options: CombineOptions = {},
  ) => prepareCombine(device, planCombine(coefficients, block, device, options));
  const grid = { rows: size, cols: size };
  using encodeA = await combineFor(
    code.encodePlan.a,
    { rows: size, cols: part },
    { inputs: { ...grid, gridCols: PARTS } },
  );
  using encodeB = await combineFor(
    code.encodePlan.b,
    { rows: part, cols: size },
    { inputs: { ...grid, gridCols: 1 } },
  );
  using decode = await combineFor(decoding.c, { rows: size, cols: size });
  const strides = {
    a: encodeA.plan.blockStrideElements,
    b: encodeB.plan.blockStrideElements,
    c: decode.plan.blockStrideElements,
  };
  const block = { m: size, k: part, n: size };
  const products = await Promise.all(
    decoding.tasks.map((task, at) => {
      const offsets = { a: task * strides.a, b: task * strides.b, c: at * strides.c };
      return prepareGemm(device, planGemm(block, device, { precision, tuned, offsets }));
    }),
  );
  using uncoded = await prepareGemm(device, planGemm(whole, device, { precision, tuned }));

  const floats = { a: randomFloats(size * size, 3), b: randomFloats(size * size, 4) };
  const { STORAGE, COPY_SRC } = GPUBufferUsage;
  const room = (stored: Parameters<typeof extentBytes>[0]) =>
    device.createBuffer({ size: extentBytes(stored), usage: STORAGE | COPY_SRC });
  const given = { a: upload(device, floats.a), b: upload(device, floats.b) };
  const coded = { a: room(encodeA.plan.outputs), b: room(encodeB.plan.outputs) };
  const made = room(decode.plan.inputs);
  const c = room(decode.plan.outputs);
  try {
    const stages = {
      encode(encoder: GPUCommandEncoder) {
        encodeA.record(encoder, { inputs: given.a, outputs: coded.a });
        encodeB.record(encoder, { inputs: given.b, outputs: coded.b });
      },
      products(encoder: GPUCommandEncoder) {
        for (const product of products) product.record(encoder, { ...coded, c: made });
      },
      decode: (encoder: GPUCommandEncoder) => decode.record(encoder, { inputs: made, outputs: c }),
    };
    const encoder = device.createCommandEncoder();
    for (const stage of Object.values(stages)) stage(encoder);
    device.queue.submit([encoder.finish()]);
    const meter = new ErrorMeter(probeOf(whole, floats.a, floats.b));
    const rows = { buffer: c, rows: size, cols: size };
    await eachRows(device, rows, (some, first) => meter.add(some, first));
    const roundings =
      products[0]!.plan.roundings +
      [encodeA, encodeB, decode].reduce((sum, { plan }) => sum + plan.roundings, 0);
    const growth = growthOf(code.encodePlan, decoding);
    // Twice the bound, since the error is estimated; and what decoding itself leaves.
    const bound =
      2 * growth * (gamma(roundings) + (precision === "f32-split" ? part * 2 ** -36 : 0)) +
      Math.hypot(...decoding.misfit);
    if (!(meter.relativeError <= bound)) {
      throw new Error(`the coded product is off by ${meter.relativeError}, bound ${bound}`);
    }
    const ms = await timer.compare({
      encode: { record: stages.encode, passes: 2 },
      products: { record: stages.products, passes: PASSES * products.length },
      decode: { record: stages.decode, passes: 1 },
      // Into the room of a product: C is what was checked.
      uncoded: {
        record: (each) => uncoded.record(each, { ...given, c: made }),
        passes: PASSES,
      },
    });
    return {
      code: code.name,
      size,
      precision,
      encodeMs: ms.encode,
      productsMs: ms.products,
      decodeMs: ms.decode,
      uncodedMs: ms.uncoded,
      relativeError: meter.relativeError,
      bound,
    };
  } finally {
    for (const product of products) product[Symbol.dispose]();
    for (const each of [...Object.values(given), ...Object.values(coded), made, c]) each.destroy();
  }
}

/** Σ_s |w_s| Σ_i |a_si| Σ_j |b_sj|: how far relative errors of the stages grow, by ‖A‖_F ‖B‖_F. */
function growthOf(
  encode: { readonly a: BlockCombination; readonly b: BlockCombination },
  decoding: { readonly tasks: readonly number[]; readonly c: BlockCombination },
): number {
  const rowSum = ({ cols, weights }: BlockCombination, row: number) =>
    weights.subarray(row * cols, (row + 1) * cols).reduce((sum, value) => sum + Math.abs(value), 0);
  return decoding.tasks.reduce(
    (sum, task, at) =>
      sum + Math.abs(decoding.c.weights[at]!) * rowSum(encode.a, task) * rowSum(encode.b, task),
    0,
  );
}
