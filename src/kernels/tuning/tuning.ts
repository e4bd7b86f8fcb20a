/**
 * @file What is remembered of tuning: which kernel was fastest for which kind of product, on which
 * kind of device. Plain data and pure functions; measuring is in tune.ts, keeping in tuning-cache.ts.
 */

import type { GemmConfig, GemmFamily, GemmShape } from "../gemm/gemm-family.ts";

/** One way to run a product. */
export interface GemmCandidate {
  readonly family: GemmFamily;
  readonly config: GemmConfig;
}

/** The fastest candidate of every bucket that was tuned, by `gemmBucket`. */
export interface GemmTuning {
  readonly choices: Readonly<Record<string, GemmCandidate>>;
}

/** What decides, besides the shape, which kernel is fastest. `GemmOptions` has it all. */
export interface GemmLayout {
  readonly precision?: string;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly strides?: { readonly a?: number; readonly b?: number; readonly c?: number };
  readonly offsets?: { readonly a?: number; readonly b?: number; readonly c?: number };
  readonly batch?: {
    readonly count: number;
    readonly strides?: { readonly a?: number; readonly b?: number; readonly c?: number };
  };
}

/** Kernels read and write so many elements at once where rows begin at multiples of it. */
const VECTOR = 4;
const OCTET = 8;
/** Below this a side is narrower than a tile, and other kernels are best. */
const NARROW = 8;
/** Larger sides fill any device: what is best for this is best for them. */
const LARGEST_CLASS = 8192;

/**
 * The bucket of products that one choice of a kernel serves: "f32 nn ABc 512x512x1024" is float32,
 * neither operand transposed, all three matrices aligned to vectors, sides m, k and n in these
 * classes. Capitals stand for matrices aligned to octets. A batch adds the class of its count: "… by 16".
 */
export function gemmBucket(shape: GemmShape, layout: GemmLayout = {}): string {
  const { precision = "f32", transposeA = false, transposeB = false, batch } = layout;
  const orders = (transposeA ? "t" : "n") + (transposeB ? "t" : "n");
  const sides = [shape.m, shape.k, shape.n].map(sideClass).join("x");
  const count = batch && batch.count > 1 ? [`by ${sideClass(batch.count)}`] : [];
  return [precision, orders, alignedMatrices(shape, layout), sides, ...count].join(" ");
}

/**
 * The class of a side: 1, 2 (2–3) and 4 (4–7) below a tile's width, then whole octaves around the powers
 * of two (8 is 8–11, 16 is 12–22, 512 is 363–724) up to 8192 and whatever is larger.
 */
export function sideClass(side: number): number {
  const octave = Math.log2(side);
  const nearest = 2 ** (side < NARROW ? Math.floor(octave) : Math.round(octave));
  return Math.min(nearest, LARGEST_CLASS);
}

/** The letters of those matrices whose rows begin and end at vectors, or octets; "-" where none does. */
function alignedMatrices({ m, k, n }: GemmShape, layout: GemmLayout): string {
  const { transposeA = false, transposeB = false, strides, offsets, batch } = layout;
  const cols = { a: transposeA ? m : k, b: transposeB ? k : n, c: n };
  const letter = (name: "a" | "b" | "c") => {
    const distances = [strides?.[name], offsets?.[name], batch?.strides?.[name]];
    const isAligned = (step: number) =>
      [cols[name], ...distances].every((count = 0) => count % step === 0);
    return isAligned(OCTET) ? name.toUpperCase() : isAligned(VECTOR) ? name : "";
  };
  return (["a", "b", "c"] as const).map(letter).join("") || "-";
}
