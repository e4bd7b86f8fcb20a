import { ClosedError } from "../core/errors.ts";
import { type FrobeniusPlan, SQUARES_WORKGROUP, type SquaresTile } from "./frobenius-plan.ts";
import { BufferUsage } from "./gpu-constants.ts";
import { bindingOf, requireBuffer } from "./kernel-buffers.ts";
import { compiledPipeline, withPrelude } from "./pipelines.ts";
import { levelLengths, sumPipeline, sumUniforms, sumWorkgroups } from "./reduction-sums.ts";
import { normSquaresWgsl } from "./shaders.generated.ts";
import { createUniformSlices } from "./uniform-slices.ts";

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
 */
export async function prepareFrobenius(
  device: GPUDevice,
  plan: FrobeniusPlan,
): Promise<PreparedFrobenius> {
  const { block, count, vectorWidth } = plan;
  const label = `frobenius ${count} blocks of ${block.rows}×${block.cols}`;
  const [squares, sum] = await Promise.all([
    compiledPipeline(device, {
      code: withPrelude(normSquaresWgsl, `alias Elem = ${vectorWidth === 4 ? "vec4f" : "f32"};`),
      entryPoint: "norm_squares",
      constants: { WORKGROUP: SQUARES_WORKGROUP },
    }),
    sumPipeline(device),
  ]);
  const uniforms = createUniformSlices(
    device,
    label,
    plan.blocks.flatMap(({ tiles, levels, y }) => [
      ...tiles.map((tile) => squaresUniforms(plan, tile)),
      ...levels.map((level, i) => sumUniforms(level, 0, i === levels.length - 1 ? y.base : 0)),
    ]),
  );
  const scratch = [0, 1].map(() =>
    device.createBuffer({
      label,
      size: plan.scratchElements * Float32Array.BYTES_PER_ELEMENT,
      usage: BufferUsage.STORAGE,
    }),
  );
  let closed = false;

  return {
    plan,
    record(encoder, { input, norms }) {
      if (closed) throw new ClosedError(`${label} has been disposed of`);
      requireBuffer("input", input, plan.input);
      requireBuffer("norms", norms, plan.norms);
      const pass = encoder.beginComputePass({ label });
      let slice = 0;
      const dispatch = (
        pipeline: GPUComputePipeline,
        from: GPUBufferBinding,
        to: GPUBufferBinding,
        workgroups: number,
      ) => {
        const group = device.createBindGroup({
          label,
          layout: pipeline.getBindGroupLayout(0),
          entries: [uniforms.at(slice++), from, to].map((resource, binding) => ({
            binding,
            resource,
          })),
        });
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(workgroups);
      };
      for (const { tiles, levels, y } of plan.blocks) {
        const partials = { buffer: scratch[0]!, size: 4 * levels[0]!.count };
        for (const tile of tiles) {
          const workgroups = Math.ceil(plan.sums / SQUARES_WORKGROUP);
          dispatch(squares, bindingOf(input, tile.x), partials, workgroups);
        }
        for (const [i, level] of levels.entries()) {
          const lengths = levelLengths(level);
          const from = { buffer: scratch[i % 2]!, size: 4 * lengths.from };
          const between = { buffer: scratch[(i + 1) % 2]!, size: 4 * lengths.to };
          const to = i === levels.length - 1 ? bindingOf(norms, y) : between;
          dispatch(sum, from, to, sumWorkgroups(level));
        }
      }
      pass.end();
    },
    [Symbol.dispose]() {
      closed = true;
      uniforms[Symbol.dispose]();
      for (const buffer of scratch) buffer.destroy();
    },
  };
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
