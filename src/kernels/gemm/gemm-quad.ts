import { gemmQuadStripWgsl, gemmQuadWgsl } from "../shaders.generated.ts";
import type { GemmKernel } from "./gemm-family.ts";
import { stripColumns } from "./gemm-strip.ts";

const LANES = 4;
const COLS = 32;
/** Of the larger tile, for the threads of a software driver. */
const ENOUGH_WORKGROUPS = 8;

/** `shaders/gemm_quad.wgsl`: rows of A held by the four lanes of a quad, octets of A and B at a time. */
export const gemmQuad: GemmKernel = {
  code: gemmQuadWgsl,
  entryPoint: "gemm_quad",
  enables: "enable subgroups;",
  octets: true,
  parameters: { ROWS: [16, 32] },
  obstacle({ precision }, { has, lanes }) {
    if (!has("subgroups")) return 'the device has no "subgroups"';
    if (lanes !== LANES) {
      return lanes === undefined
        ? "the size of the device's subgroups varies"
        : `the device's subgroups have ${lanes} lanes, and the kernel is for ${LANES}`;
    }
    return precision === "f32" ? undefined : "the kernel reads float32";
  },
  quads: () => ({ a: true, b: true, c: true }),
  configs({ shape: { m, n }, products }) {
    // 32 rows are up to 1.25 times as fast as 16, unless they leave threads without work, and take 0.5 s
    // longer to compile (SwiftShader, 2 cores).
    const workgroups = Math.ceil(m / 32) * Math.ceil(n / COLS) * products;
    const ROWS = m > 16 && workgroups >= ENOUGH_WORKGROUPS ? 32 : 16;
    return [{ ROWS }, { ROWS: 48 - ROWS }];
  },
  setUp({ ROWS = 16 }) {
    return {
      consts: { ROWS },
      constants: {},
      granule: { m: ROWS, k: 8, n: COLS },
      invocations: LANES,
      sharedBytes: 0,
    };
  },
  strip: {
    code: gemmQuadStripWgsl,
    entryPoint: "gemm_quad_strip",
    columns: (_config, { shape: { n } }) => stripColumns(n, COLS, COLS / 2),
    prelude({ ROWS = 16 }, { shape: { n } }) {
      const width = stripWidth(n % COLS);
      const [type, words] = width === 1 ? ["f32", "values.x"] : ["vec4f", "values"];
      return (
        `enable subgroups; const ROWS = ${ROWS}u; alias Sum = ${type}; const WIDTH = ${width}u; ` +
        `fn narrow(values: vec4f) -> Sum { return ${words}; }`
      );
    },
  },
};

/** Columns that a lane makes of a strip. */
function stripWidth(cols: number): 1 | 4 {
  return cols <= LANES ? 1 : 4;
}
