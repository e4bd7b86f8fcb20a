import { gemmSubgroupStripWgsl, gemmSubgroupWgsl } from "../shaders.generated.ts";
import type { GemmKernel } from "./gemm-family.ts";
import { stripColumns } from "./gemm-strip.ts";

const LANES: readonly number[] = [4, 8, 16, 32];

/** `shaders/gemm_subgroup.wgsl`: rows of A held by the lanes of a subgroup and broadcast. */
export const gemmSubgroup: GemmKernel = {
  code: gemmSubgroupWgsl,
  entryPoint: "gemm_subgroup",
  enables: "enable subgroups;",
  wholeQuads: true,
  parameters: { ROWS: [8, 16], QUADS: [1, 2] },
  obstacle(_problem, { has, lanes }) {
    if (!has("subgroups")) return 'the device has no "subgroups"';
    if (lanes === undefined) return "the size of the device's subgroups varies";
    if (!LANES.includes(lanes)) {
      return `the device's subgroups have ${lanes} lanes, and the kernel is for ${LANES.join(", ")}`;
    }
    return undefined;
  },
  quads: ({ transposeA }) => ({ a: !transposeA, b: true, c: true }),
  configs({ shape: { m, n } }, { lanes = 8 }) {
    const ROWS = m <= 8 ? 8 : 16;
    // From 8 lanes on, a second quad costs more registers than its reuse of A is worth (lavapipe: 16×1
    // beats 16×2 at every shape of 128 and more; SwiftShader, of 4 lanes, has it the other way round).
    const QUADS = lanes < 8 && n > 4 * lanes ? 2 : 1;
    return [
      { ROWS, QUADS },
      { ROWS, QUADS: 3 - QUADS },
    ];
  },
  setUp({ ROWS = 16, QUADS = 1 }, _problem, { lanes = 8 }) {
    return {
      consts: { LANES: lanes, ROWS, QUADS },
      constants: {},
      granule: { m: ROWS, k: 64, n: 4 * QUADS * lanes },
      invocations: lanes,
      sharedBytes: 0,
    };
  },
  strip: {
    code: gemmSubgroupStripWgsl,
    entryPoint: "gemm_subgroup_strip",
    columns: ({ QUADS = 1 }, { shape: { n } }, { lanes = 8 }) =>
      stripColumns(n, 4 * QUADS * lanes, lanes),
  },
};
