import { bindingOf } from "../kernel-buffers.ts";
import { projectWgsl } from "../shaders.generated.ts";
import {
  PROJECTION_WORKGROUP,
  type ProjectionPlan,
  type ProjectionTile,
} from "./projection-plan.ts";
import { prepareSummation } from "./reduction.ts";

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
 *
 * @throws {DeviceLimitError} when the device has no memory for partial sums. Whatever fails, nothing of
 *   what was made is left on the device.
 */
export async function prepareProjection(
  device: GPUDevice,
  plan: ProjectionPlan,
): Promise<PreparedProjection> {
  const { rows, cols } = plan.shape;
  const summation = await prepareSummation(device, {
    label: `projection ${rows}×${cols}, ${plan.vectors} vectors`,
    kernel: {
      code: projectWgsl,
      entryPoint: "project",
      constants: { VECTORS: plan.vectors, WORKGROUP: PROJECTION_WORKGROUP },
    },
    parts: plan.parts,
    scratchElements: plan.scratchElements,
    stored: { x: plan.x, r: plan.r, y: plan.y },
    results: "y",
    uniformsOf: (tile) => projectionUniforms(plan, tile),
    readsOf: (tile, { x, r }) => [bindingOf(x, tile.x), bindingOf(r, tile.r)],
    workgroupsOf: (tile) => Math.ceil((tile.rows * plan.sums) / PROJECTION_WORKGROUP),
  });
  return { plan, ...summation };
}

/** The shader's `Part`. */
function projectionUniforms(plan: ProjectionPlan, tile: ProjectionTile): Uint32Array {
  const { rowStride } = plan.x;
  const { rows, cols, x, r, slot } = tile;
  return Uint32Array.of(rows, cols, x.base, rowStride, r.base, plan.sums, plan.slots, slot, 0);
}
