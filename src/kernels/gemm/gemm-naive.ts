import { gemmNaiveWgsl } from "../shaders.generated.ts";
import type { GemmKernel } from "./gemm-family.ts";

/** `shaders/gemm_naive.wgsl`: one element an invocation. What faster kernels are tested against. */
export const gemmNaive: GemmKernel = {
  code: gemmNaiveWgsl,
  entryPoint: "gemm_naive",
  parameters: {},
  obstacle: () => undefined,
  quads: () => ({ a: false, b: false, c: false }),
  configs: () => [{}],
  setUp(_config, { shape: { m, n } }) {
    // 64 invocations, all of them busy where the product is a single row or column, too.
    const rows = m < 8 ? powerOfTwoFrom(m) : 64 / Math.min(8, powerOfTwoFrom(n));
    const THREADS_M = Math.min(64, rows);
    const THREADS_N = 64 / THREADS_M;
    return {
      consts: {},
      constants: { THREADS_M, THREADS_N },
      granule: { m: THREADS_M, k: 64, n: THREADS_N },
      invocations: 64,
      sharedBytes: 0,
    };
  },
};

/** The smallest power of two that is at least `value`. */
function powerOfTwoFrom(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}
