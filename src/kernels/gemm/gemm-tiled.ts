import { gemmTiledWgsl } from "../shaders.generated.ts";
import type { GemmConfig, GemmKernel } from "./gemm-family.ts";

const SMALL: GemmConfig = config({ ROWS: 4, QUADS: 1, THREADS_M: 8, THREADS_N: 8, DEPTH: 32 });
/** For software drivers, which compile barriers and deep tiles slowly. */
const SIMPLE: GemmConfig = { ...SMALL, DEPTH: 16, STAGES: 1, SWIZZLE: 1 };
const MEDIUM: GemmConfig = config({ ROWS: 8, QUADS: 1, THREADS_M: 8, THREADS_N: 16, DEPTH: 16 });
const LARGE: GemmConfig = config({ ROWS: 8, QUADS: 2, THREADS_M: 16, THREADS_N: 16, DEPTH: 16 });

/** `shaders/gemm_tiled.wgsl`: tiles in workgroup memory, a block of C in registers. */
export const gemmTiled: GemmKernel = {
  code: gemmTiledWgsl,
  entryPoint: "gemm_tiled",
  parameters: {
    ROWS: [2, 4, 8],
    QUADS: [1, 2],
    THREADS_M: [4, 8, 16],
    THREADS_N: [8, 16, 32],
    DEPTH: [8, 16, 32],
    STAGES: [1, 2],
    SWIZZLE: [1, 4, 8],
  },
  obstacle: () => undefined,
  quads: ({ transposeA, transposeB }) => ({ a: !transposeA, b: !transposeB, c: true }),
  configs({ shape: { m, n }, products }, { software, vendor }) {
    if (software) return [SIMPLE, SMALL];
    const tiles = (height: number, width: number) =>
      Math.ceil(m / height) * Math.ceil(n / width) * products;
    // Large tiles read least, as long as there are enough of them for every core of the device.
    const many = vendor === "nvidia" || vendor === "amd" ? 256 : 64;
    if (tiles(128, 128) >= many) return [LARGE, { ...LARGE, STAGES: 1 }, MEDIUM];
    if (tiles(64, 64) >= many / 2) return [MEDIUM, LARGE, SMALL];
    return [SMALL, MEDIUM];
  },
  setUp(given, { shape: { m } }) {
    const { ROWS = 4, QUADS = 1, THREADS_M = 8, THREADS_N = 8, DEPTH = 16 } = given;
    const { STAGES = 1, SWIZZLE = 1 } = given;
    const threads = THREADS_M * THREADS_N;
    const height = ROWS * THREADS_M;
    return {
      consts: {
        ROWS,
        QUADS,
        A_LOADS: Math.ceil((height * DEPTH) / 4 / threads),
        B_LOADS: Math.ceil((QUADS * THREADS_N * DEPTH) / threads),
      },
      constants: {
        THREADS_M,
        THREADS_N,
        DEPTH,
        STAGES,
        SWIZZLE: Math.min(SWIZZLE, Math.ceil(m / height)),
      },
      granule: { m: height, k: DEPTH, n: 4 * QUADS * THREADS_N },
      invocations: threads,
      sharedBytes: 4 * STAGES * DEPTH * (height + 4 * QUADS * THREADS_N),
    };
  },
};

function config(sides: GemmConfig): GemmConfig {
  return { ...sides, STAGES: 2, SWIZZLE: 4 };
}
