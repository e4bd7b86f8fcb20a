import { gemmVectorWgsl } from "../shaders.generated.ts";
import type { GemmKernel } from "./gemm-family.ts";

/** `shaders/gemm_vector.wgsl`: a B of few columns; invocations share the rows of A. */
export const gemmVector: GemmKernel = {
  code: gemmVectorWgsl,
  entryPoint: "gemm_vector",
  wholeQuads: true,
  sumsApart: true,
  parameters: { LANES: [4, 8, 16, 32, 64, 128], ROWS: [1, 2, 4, 8, 16] },
  obstacle: () => undefined,
  quads: ({ transposeA }) => ({ a: !transposeA, b: true, c: true }),
  configs({ shape: { k } }, { software }) {
    if (software) return [{ LANES: 8, ROWS: 1 }];
    return k >= 1024
      ? [
          { LANES: 64, ROWS: 2 },
          { LANES: 32, ROWS: 4 },
        ]
      : [
          { LANES: 32, ROWS: 4 },
          { LANES: 16, ROWS: 8 },
        ];
  },
  setUp({ LANES = 32, ROWS = 2 }) {
    return {
      consts: {},
      constants: { LANES, ROWS },
      granule: { m: ROWS, k: 4 * LANES, n: 4 },
      invocations: LANES * ROWS,
      sharedBytes: 16 * LANES * ROWS,
    };
  },
};
