import { gemmNaiveWgsl, gemmTiledWgsl } from "./shaders.generated.ts";

/** C (m×n) = A (m×k) · B (k×n). */
export interface GemmShape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

/**
 * The kernels that multiply. "naive" makes one element an invocation and uses no workgroup memory;
 * "tiled" makes 4×4 an invocation from tiles in workgroup memory.
 */
export type GemmFamily = "naive" | "tiled";

/** How one kernel is set up for one shape. */
interface GemmSetup {
  /** Values of the shader's overrides, transposition aside. */
  readonly constants: Readonly<Record<string, number>>;
  /** What one workgroup makes, m×n elements of C, and in what steps k is best cut. */
  readonly granule: GemmShape;
}

interface GemmKernel {
  readonly code: string;
  readonly entryPoint: string;
  readonly setUp: (shape: GemmShape) => GemmSetup;
}

/** Every family: a new kernel is a shader and one entry here. */
export const gemmKernels: Readonly<Record<GemmFamily, GemmKernel>> = {
  naive: {
    code: gemmNaiveWgsl,
    entryPoint: "gemm_naive",
    setUp({ m, n }) {
      // 64 invocations, all of them busy where the product is a single row or column, too.
      const ROWS = m < 8 ? powerOfTwoFrom(m) : 64 / Math.min(8, powerOfTwoFrom(n));
      const COLS = 64 / ROWS;
      return { constants: { COLS, ROWS }, granule: { m: ROWS, k: 64, n: COLS } };
    },
  },
  tiled: {
    code: gemmTiledWgsl,
    entryPoint: "gemm_tiled",
    setUp() {
      const constants = { COLS: 8, ROWS: 8, DEPTH: 32 };
      return {
        constants,
        granule: { m: 4 * constants.ROWS, k: constants.DEPTH, n: 4 * constants.COLS },
      };
    },
  },
};

/** The family for a shape when the caller has no wish: tiles where they are mostly filled. */
export function chooseFamily({ m, n }: GemmShape): GemmFamily {
  return Math.min(m, n) < 8 ? "naive" : "tiled";
}

/** The smallest power of two that is at least `value`. */
function powerOfTwoFrom(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}
