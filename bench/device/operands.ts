/**
 * @file Matrices of the products that are measured. Two kinds: random ones in [-1, 1), with which times
 * are taken (a GPU draws less power for small whole numbers, and runs faster), and whole numbers, with
 * which a right kernel has no rounding error at all, so that every element is checked.
 */
import {
  fromHalves,
  type GemmPrecision,
  type GemmShape,
  toHalves,
} from "../../src/kernels/index.ts";
import {
  type ExactCheck,
  fillOperands,
  operandSize,
} from "../../src/kernels/tuning/tune-operands.ts";
import { upload } from "../../test/support/buffers.ts";

export interface Pair {
  readonly a: GPUBuffer;
  readonly b: GPUBuffer;
}

/** What a product of random operands is held against. */
export interface Probe {
  /** n numbers, 1 or -1. */
  readonly signs: Float64Array;
  /** A·(B·signs) in float64. */
  readonly expected: Float64Array;
  /** ‖A‖_F ‖B‖_F */
  readonly norms: number;
}

/** One shape's operands on a device, as one precision stores them, and room for a product. */
export interface Operands extends Disposable {
  readonly shape: GemmShape;
  readonly random: Pair;
  readonly probe: Probe;
  readonly whole: Pair;
  readonly exact: ExactCheck;
  readonly c: GPUBuffer;
}

export function makeOperands(
  device: GPUDevice,
  shape: GemmShape,
  precision: GemmPrecision,
): Operands {
  const { m, k, n } = shape;
  const floats = { a: randomFloats(m * k, 2 * m + k), b: randomFloats(k * n, 2 * n + k + 1) };
  const halves = precision === "f16";
  const stored = halves ? { a: asHalves(floats.a), b: asHalves(floats.b) } : undefined;
  const random = {
    a: upload(device, stored?.a.words ?? floats.a),
    b: upload(device, stored?.b.words ?? floats.b),
  };
  const probe = probeOf(shape, stored?.a.values ?? floats.a, stored?.b.values ?? floats.b);
  const whole = {
    a: new ArrayBuffer(operandSize(m * k, precision)),
    b: new ArrayBuffer(operandSize(k * n, precision)),
  };
  const exact = fillOperands(shape, { precision, transposeA: false, transposeB: false }, whole);
  const buffers = {
    a: upload(device, new Float32Array(whole.a)),
    b: upload(device, new Float32Array(whole.b)),
  };
  const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
  const c = device.createBuffer({ size: 4 * m * n, usage: STORAGE | COPY_SRC | COPY_DST });
  return {
    shape,
    random,
    probe,
    whole: buffers,
    exact,
    c,
    [Symbol.dispose]() {
      for (const buffer of [random.a, random.b, buffers.a, buffers.b, c]) buffer.destroy();
    },
  };
}

/** ‖(Ĉ − A·B)·signs‖ by ‖A‖_F ‖B‖_F: an estimate of ‖Ĉ − A·B‖_F by the same, to a few percent. */
export class ErrorMeter {
  readonly #probe: Probe;
  #squares = 0;

  constructor(probe: Probe) {
    this.#probe = probe;
  }

  /** Rows of Ĉ, contiguous, the first of which is row `first`. */
  add(rows: Float32Array, first: number): void {
    const { signs, expected } = this.#probe;
    const n = signs.length;
    for (let row = 0; row < rows.length / n; row++) {
      let sum = 0;
      for (let col = 0; col < n; col++) sum += rows[row * n + col]! * signs[col]!;
      this.#squares += (sum - expected[first + row]!) ** 2;
    }
  }

  get relativeError(): number {
    return Math.sqrt(this.#squares) / this.#probe.norms;
  }
}

/** What A·B of contiguous A and B is held against. */
export function probeOf({ m, k, n }: GemmShape, a: Float32Array, b: Float32Array): Probe {
  const next = xorshift(n + 7);
  const signs = Float64Array.from({ length: n }, () => (next() & 1 ? 1 : -1));
  const inner = times(b, { rows: k, cols: n }, signs);
  return {
    signs,
    expected: times(a, { rows: m, cols: k }, inner),
    norms: Math.sqrt(sumOfSquares(a)) * Math.sqrt(sumOfSquares(b)),
  };
}

/** Uniform in [-1, 1), in steps of 2^-23. Same seed, same numbers. */
export function randomFloats(count: number, seed: number): Float32Array<ArrayBuffer> {
  const next = xorshift(seed);
  const floats = new Float32Array(count);
  for (let at = 0; at < count; at++) floats[at] = (next() >> 8) / 2 ** 23;
  return floats;
}

/** Halves two a word, and what they stand for. */
function asHalves(floats: Float32Array): {
  readonly words: Float32Array;
  readonly values: Float32Array;
} {
  const halves = toHalves(floats);
  const padded = new Uint16Array(2 * Math.ceil(halves.length / 2));
  padded.set(halves);
  return { words: new Float32Array(padded.buffer), values: fromHalves(halves) };
}

function times(
  data: Float32Array,
  { rows, cols }: { readonly rows: number; readonly cols: number },
  vector: Float64Array,
): Float64Array {
  const out = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let col = 0; col < cols; col++) sum += data[row * cols + col]! * vector[col]!;
    out[row] = sum;
  }
  return out;
}

function sumOfSquares(data: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < data.length; at++) sum += data[at]! * data[at]!;
  return sum;
}

/** Signed integers of 32 bits, fast: there are millions of them. */
function xorshift(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x2545f491) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  };
}
