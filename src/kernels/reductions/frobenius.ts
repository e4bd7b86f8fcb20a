import { bindingOf } from "../kernel-buffers.ts";
import { withPrelude } from "../pipelines.ts";
import { normSquaresWgsl } from "../shaders.generated.ts";
import { type FrobeniusPlan, SQUARES_WORKGROUP, type SquaresTile } from "./frobenius-plan.ts";
import { prepareSummation } from "./reduction.ts";

/** Both have the usage STORAGE, and each may be longer than it needs. */
export interface FrobeniusBuffers {
  /** The blocks, laid out as the plan says. */
  readonly input: GPUBuffer;
  /** scale²·‖block‖_F² of each block, overwritten; all else in the buffer is kept. */
  readonly norms: GPUBuffer;
}

/** Norms of blocks of one shape and layout, compiled. */
export interface PreparedFrobenius extends Disposable {
  readonly plan: FrobeniusPlan;
  /**
   * Appends all dispatches to `encoder` as one compute pass. Nothing runs until the caller submits.
   *
   * @throws {ShapeError} when a buffer is too short.
   * @throws {ClosedError} after disposal.
   */
  record(encoder: GPUCommandEncoder, buffers: FrobeniusBuffers): void;
}

/**
 * Compiles a plan for the device it was made for, and allocates two buffers for partial sums. Dispose
 * of the result after the last submit that uses it.
 *
 * Each result is within γ_{plan.roundings} of scale²·‖block‖_F², relatively, absent underflow and
 * overflow of a scaled square; NaN and ±Inf go where they belong. The same block gives the same bits.
 *
 * @throws {DeviceLimitError} when the device has no memory for partial sums. Whatever fails, nothing of
 *   what was made is left on the device.
 */
export async function prepareFrobenius(
  device: GPUDevice,
  plan: FrobeniusPlan,
): Promise<PreparedFrobenius> {
  const { block, count, vectorWidth } = plan;
  const summation = await prepareSummation(device, {
    label: `frobenius ${count} blocks of ${block.rows}×${block.cols}`,
    kernel: {
      code: withPrelude(normSquaresWgsl, `alias Elem = ${vectorWidth === 4 ? "vec4f" : "f32"};`),
      entryPoint: "norm_squares",
      constants: { WORKGROUP: SQUARES_WORKGROUP },
    },
    parts: plan.blocks,
    scratchElements: plan.scratchElements,
    stored: { input: plan.input, norms: plan.norms },
    results: "norms",
    uniformsOf: (tile) => squaresUniforms(plan, tile),
    readsOf: (tile, { input }) => [bindingOf(input, tile.x)],
    workgroupsOf: () => Math.ceil(plan.sums / SQUARES_WORKGROUP),
  });
  return { plan, ...summation };
}

/** The shader's `Part`, which counts Elems. */
function squaresUniforms(plan: FrobeniusPlan, tile: SquaresTile): Uint32Array {
  const { vectorWidth, sums, rowStride, scale } = plan;
  const cols = tile.cols / vectorWidth;
  const words = Uint32Array.of(
    tile.rows * cols,
    cols,
    Math.floor(sums / cols),
    sums % cols,
    tile.xBase / vectorWidth,
    rowStride / vectorWidth,
    sums,
    tile.yBase,
    0,
  );
  new Float32Array(words.buffer)[8] = scale;
  return words;
}
