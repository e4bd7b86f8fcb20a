import type { GemmKernel } from "./gemm-family.ts";
import { gemmQuadWgsl } from "./shaders.generated.ts";

const LANES = 4;
const COLS = 32;
/** As many workgroups of the larger tile keep a software driver's threads evenly busy. */
const ENOUGH_WORKGROUPS = 16;

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
};
