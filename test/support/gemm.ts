import { gamma } from "../../src/core/float32.ts";
import type { Matrix } from "../../src/core/matrix.ts";
import { prepareGemm } from "../../src/kernels/gemm/gemm.ts";
import { gemmFamilies, gemmKernels } from "../../src/kernels/gemm/gemm-families.ts";
import {
  type GemmDevice,
  type GemmFamily,
  type GemmPrecision,
  type GemmShape,
  kernelFacts,
} from "../../src/kernels/gemm/gemm-family.ts";
import type { GemmOptions } from "../../src/kernels/gemm/gemm-options.ts";
import { planGemm } from "../../src/kernels/gemm/gemm-plan.ts";
import type { StoredMatrix } from "../../src/kernels/tiling.ts";
import { download, upload, withoutValidationError } from "./buffers.ts";
import { halfOf } from "./halves.ts";
import {
  multiplyMagnitudes64,
  multiplyReference64,
  type Reference,
  randomMatrix,
  transposed,
  worstDeviation,
} from "./matrices.ts";

/** The families that a device can run at all with a precision. */
export function runnableFamilies(
  device: GPUDevice,
  precision: GemmPrecision = "f32",
): readonly GemmFamily[] {
  const problem = {
    shape: { m: 64, k: 64, n: 64 },
    products: 1,
    precision,
    transposeA: false,
    transposeB: false,
    aligned: { a: true, b: true, c: true },
    octets: { a: true, b: true },
  } as const;
  return gemmFamilies.filter(
    (family) => gemmKernels[family].obstacle(problem, kernelFacts(device)) === undefined,
  );
}

/**
 * How far the worst product of fresh random operands is off, as a multiple of the bound that the plan
 * promises; at most 1 when all is well. NaN where something was read that is no element.
 */
export async function deviation(
  device: GPUDevice,
  shape: GemmShape,
  options: GemmOptions,
  planFor: GemmDevice = device,
): Promise<number> {
  const { products, plan } = await multiply(device, shape, options, planFor);
  let worst = 0;
  for (const { a, b, c, before } of products) {
    const expected = multiplyReference64(a, b);
    const scale = multiplyMagnitudes64(a, b);
    const ratio = options.accumulate
      ? worstDeviation(
          c,
          plus(expected, before, (value) => value),
          { factor: gamma(plan.roundings + 1), scale: plus(scale, before, Math.abs) },
        )
      : worstDeviation(c, expected, { factor: gamma(plan.roundings), scale });
    if (!(ratio <= worst)) worst = ratio;
  }
  return worst;
}

/** Multiplies random operands, whose gaps are NaN, into a C that holds random elements between NaNs. */
export async function multiply(
  device: GPUDevice,
  shape: GemmShape,
  options: GemmOptions,
  planFor: GemmDevice = device,
  spoil: (a: Float32Array, b: Float32Array) => void = () => {},
) {
  const plan = planGemm(shape, planFor, options);
  const { precision = "f32", transposeA, transposeB } = options;
  const inputs = Array.from({ length: plan.products }, (_, p) => {
    const random = (rows: number, cols: number, name: string, shared: boolean) =>
      randomMatrix(rows, cols, name, JSON.stringify(shape), shared ? 0 : p);
    const narrow = (x: Matrix): Matrix =>
      precision === "f16" ? { ...x, data: x.data.map((value) => fromHalf(halfOf(value))) } : x;
    return {
      a: narrow(random(shape.m, shape.k, "a", options.batch?.strides?.a === 0)),
      b: narrow(random(shape.k, shape.n, "b", options.batch?.strides?.b === 0)),
      before: random(shape.m, shape.n, "c", false),
    };
  });
  for (const { a, b } of inputs) spoil(a.data, b.data);
  const elements = {
    a: lay(
      inputs.map(({ a }) => (transposeA ? transposed(a) : a)),
      plan.a,
    ),
    b: lay(
      inputs.map(({ b }) => (transposeB ? transposed(b) : b)),
      plan.b,
    ),
    c: lay(
      inputs.map(({ before }) => before),
      plan.c,
    ),
  };
  const words = (values: Float32Array) => (precision === "f16" ? packHalves(values) : values);
  const buffers = {
    a: upload(device, words(elements.a)),
    b: upload(device, words(elements.b)),
    c: upload(device, elements.c),
  };
  const filled = await withoutValidationError(device, async () => {
    using gemm = await prepareGemm(device, plan);
    const encoder = device.createCommandEncoder();
    gemm.record(encoder, buffers);
    device.queue.submit([encoder.finish()]);
    return download(device, buffers.c);
  });
  for (const buffer of Object.values(buffers)) buffer.destroy();
  const first = plan.c.offset;
  const products = inputs.map((input, p) => {
    const data = filled.subarray(first + p * (plan.c.batch?.stride ?? 0));
    const c: Matrix = { rows: shape.m, cols: shape.n, rowStride: plan.c.rowStride, data };
    return { ...input, c };
  });
  return { ...products[0]!, products, plan, filled, first };
}

/** The elements of a buffer that holds `sources` as `layout` says, and NaN everywhere else. */
function lay(sources: readonly Matrix[], layout: StoredMatrix): Float32Array {
  const { rows, cols, rowStride, offset, batch } = layout;
  const span = (sources.length - 1) * (batch?.stride ?? 0) + (rows - 1) * rowStride + cols;
  const elements = new Float32Array(offset + span + 6).fill(Number.NaN);
  for (const [p, { data }] of sources.entries()) {
    for (let row = 0; row < rows; row++) {
      const at = offset + p * (batch?.stride ?? 0) + row * rowStride;
      elements.set(data.subarray(row * cols, (row + 1) * cols), at);
    }
  }
  return elements;
}

function plus(sum: Reference, addend: Matrix, of: (value: number) => number): Reference {
  return { ...sum, data: sum.data.map((value, at) => value + of(addend.data[at]!)) };
}

/** Two halves a word, the first in the lower bits. */
function packHalves(values: Float32Array): Float32Array {
  const halves = new Uint16Array(Math.ceil(values.length / 2) * 2);
  values.forEach((value, at) => {
    halves[at] = halfOf(value);
  });
  return new Float32Array(halves.buffer);
}

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14);
}
