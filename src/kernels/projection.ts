import { ClosedError } from "../core/errors.ts";
import { BufferUsage } from "./gpu-constants.ts";
import { bindingOf, requireBuffer } from "./kernel-buffers.ts";
import { compiledPipeline } from "./pipelines.ts";
import {
  PROJECTION_WORKGROUP,
  type ProjectionPlan,
  type ProjectionTile,
} from "./projection-plan.ts";
import { levelLengths, sumPipeline, sumUniforms, sumWorkgroups } from "./reduction-sums.ts";
import { projectWgsl } from "./shaders.generated.ts";
import { createUniformSlices } from "./uniform-slices.ts";

/** All have the usage STORAGE, and each may be longer than it needs. */
export interface ProjectionBuffers {
  readonly x: GPUBuffer;
  /** Any values, row-major cols × vectors: random signs for Freivalds' check. */
  readonly r: GPUBuffer;
  /** Row-major rows × vectors, overwritten; all else in the buffer is kept. A buffer of its own. */
  readonly y: GPUBuffer;
}

/** Projections of matrices of one shape and layout, compiled. */
export interface PreparedProjection extends Disposable {
  readonly plan: ProjectionPlan;
  /**
   * Appends all dispatches to `encoder` as one compute pass. Nothing runs until the caller submits.
   *
   * @throws {ShapeError} when a buffer is too short.
   * @throws {ClosedError} after disposal.
   */
  record(encoder: GPUCommandEncoder, buffers: ProjectionBuffers): void;
}

/**
 * Compiles a plan for the device it was made for, and allocates two buffers for partial sums. Dispose
 * of the result after the last submit that uses it.
 *
 * ŷ is within γ_{plan.roundings} |X||r| of X·r element by element, absent underflow and overflow; NaN
 * and ±Inf go where they belong. The same operands give the same bits.
 */
export async function prepareProjection(
  device: GPUDevice,
  plan: ProjectionPlan,
): Promise<PreparedProjection> {
  const { rows, cols } = plan.shape;
  const label = `projection ${rows}×${cols}, ${plan.vectors} vectors`;
  const [project, sum] = await Promise.all([
    compiledPipeline(device, {
      code: projectWgsl,
      entryPoint: "project",
      constants: { VECTORS: plan.vectors, WORKGROUP: PROJECTION_WORKGROUP },
    }),
    sumPipeline(device),
  ]);
  const uniforms = createUniformSlices(
    device,
    label,
    plan.parts.flatMap(({ tiles, levels, y }) => [
      ...tiles.map((tile) => projectionUniforms(plan, tile)),
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
    record(encoder, { x, r, y }) {
      if (closed) throw new ClosedError(`${label} has been disposed of`);
      requireBuffer("x", x, plan.x);
      requireBuffer("r", r, plan.r);
      requireBuffer("y", y, plan.y);
      const pass = encoder.beginComputePass({ label });
      let slice = 0;
      const dispatch = (
        pipeline: GPUComputePipeline,
        resources: readonly GPUBufferBinding[],
        workgroups: number,
      ) => {
        const group = device.createBindGroup({
          label,
          layout: pipeline.getBindGroupLayout(0),
          entries: [uniforms.at(slice++), ...resources].map((resource, binding) => ({
            binding,
            resource,
          })),
        });
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(workgroups);
      };
      for (const part of plan.parts) {
        const partials = { buffer: scratch[0]!, size: 4 * levelLengths(part.levels[0]!).from };
        for (const tile of part.tiles) {
          const resources = [bindingOf(x, tile.x), bindingOf(r, tile.r), partials];
          dispatch(project, resources, Math.ceil((tile.rows * plan.sums) / PROJECTION_WORKGROUP));
        }
        for (const [i, level] of part.levels.entries()) {
          const lengths = levelLengths(level);
          const from = { buffer: scratch[i % 2]!, size: 4 * lengths.from };
          const between = { buffer: scratch[(i + 1) % 2]!, size: 4 * lengths.to };
          const to = i === part.levels.length - 1 ? bindingOf(y, part.y) : between;
          dispatch(sum, [from, to], sumWorkgroups(level));
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

/** The shader's `Part`. */
function projectionUniforms(plan: ProjectionPlan, tile: ProjectionTile): Uint32Array {
  const { rowStride } = plan.x;
  const { rows, cols, x, r, slot } = tile;
  return Uint32Array.of(rows, cols, x.base, rowStride, r.base, plan.sums, plan.slots, slot, 0);
}
