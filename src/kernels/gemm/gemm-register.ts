import { gemmRegisterWgsl } from "../shaders.generated.ts";
import type { GemmKernel } from "./gemm-family.ts";

/** `shaders/gemm_register.wgsl`: a block of C in registers, no workgroup memory. */
export const gemmRegister: GemmKernel = {
  code: gemmRegisterWgsl,
  entryPoint: "gemm_register",
  wholeQuads: true,
  parameters: {
    ROWS: [1, 2, 4, 8],
    QUADS: [1, 2],
    THREADS_M: [1, 2, 4, 8, 16],
    THREADS_N: [4, 8, 16, 32, 64],
  },
  obstacle: () => undefined,
  quads: ({ transposeA }) => ({ a: !transposeA, b: true, c: true }),
  configs({ shape: { m, n } }, { software }) {
    const ROWS = m >= 8 ? 8 : m >= 4 ? 4 : m >= 2 ? 2 : 1;
    const QUADS = n > 4 * (software ? 8 : 16) ? 2 : 1;
    if (software) {
      return [
        { ROWS, QUADS, THREADS_M: 1, THREADS_N: 8 },
        { ROWS, QUADS: 1, THREADS_M: 1, THREADS_N: 16 },
      ];
    }
    if (m <= 8) return [{ ROWS, QUADS: 1, THREADS_M: 1, THREADS_N: 64 }];
    return [
      { ROWS: Math.min(ROWS, 4), QUADS: 1, THREADS_M: 8, THREADS_N: 8 },
      { ROWS, QUADS, THREADS_M: 8, THREADS_N: 16 },
    ];
  },
  setUp({ ROWS = 4, QUADS = 1, THREADS_M = 8, THREADS_N = 8 }) {
    return {
      consts: { ROWS, QUADS },
      constants: { THREADS_M, THREADS_N },
      granule: { m: ROWS * THREADS_M, k: 64, n: 4 * QUADS * THREADS_N },
      invocations: THREADS_M * THREADS_N,
      sharedBytes: 0,
    };
  },
};
