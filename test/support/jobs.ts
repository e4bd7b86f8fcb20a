import type { Code } from "../../src/core/code.ts";
import type { Matrix } from "../../src/core/matrix.ts";
import type { Product } from "../../src/core/product.ts";
import type { ComputeWorker } from "../../src/core/worker.ts";
import { createCpuBackend } from "../../src/engine/cpu-backend.ts";
import { type JobOptions, multiplyCoded } from "../../src/runtime/multiply.ts";
import { distance, multiplyReference64 } from "./matrices.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** One multiplication on given workers, in virtual time unless told otherwise. */
export function runJob(
  a: Matrix,
  b: Matrix,
  options: {
    readonly code: Code;
    readonly workers: readonly ComputeWorker[];
    readonly clock?: VirtualClock;
  } & Partial<JobOptions>,
): Promise<Product> {
  const clock = options.clock ?? new VirtualClock();
  const product = multiplyCoded(a, b, {
    backend: createCpuBackend(clock),
    signal: new AbortController().signal,
    seed: 1,
    ...options,
    clock,
  });
  return clock.drive(product);
}

/** ‖Ĉ − A·B‖_F / (‖A‖_F·‖B‖_F), against a float64 product. 0 where both are zero. */
export function trueError(a: Matrix, b: Matrix, c: Matrix): number {
  const off = distance(c, multiplyReference64(a, b));
  return off === 0 ? 0 : off / (norm(a) * norm(b));
}

function norm({ rows, cols, rowStride, data }: Matrix): number {
  let square = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < cols; j++) square += data[i * rowStride + j]! ** 2;
  }
  return Math.sqrt(square);
}
