import { dispatchWith } from "../dispatch.ts";
import { BufferUsage } from "../gpu-constants.ts";
import { bindingOf } from "../kernel-buffers.ts";
import { compiledPipeline } from "../pipelines.ts";
import { allocated } from "../prepared.ts";
import { gemmReduceWgsl } from "../shaders.generated.ts";
import { createUniformSlices } from "../uniform-slices.ts";
import type { GemmPlan } from "./gemm-plan.ts";
import { type GemmTile, REDUCE_WORKGROUP } from "./gemm-tiles.ts";

/** Adds up the slices of k of a plan's tiles. */
export interface PreparedReduction extends Disposable {
  /** Where the slices of a tile go; overwritten by the next tile. */
  readonly scratch: GPUBuffer;
  /** Appends the sum of all slices to C where tile `index` made the last; else does nothing. */
  dispatch(pass: GPUComputePassEncoder, c: GPUBuffer, index: number): void;
}

/**
 * Compiles `shaders/gemm_reduce.wgsl` for the sliced tiles of `plan` and allocates its scratch memory.
 *
 * @throws {DeviceLimitError} when the device has no memory for it.
 */
export async function prepareReduction(
  device: GPUDevice,
  plan: GemmPlan,
): Promise<PreparedReduction> {
  const label = "gemm_reduce";
  const pipeline = await compiledPipeline(device, {
    code: gemmReduceWgsl,
    entryPoint: "gemm_reduce",
    constants: { WORKGROUP: REDUCE_WORKGROUP },
  });
  const { made, allocation } = await allocated(device, "slices of a gemm", (memory) => ({
    scratch: memory.create(device, {
      label,
      size: plan.scratchBytes,
      usage: BufferUsage.STORAGE,
    }),
    uniforms: createUniformSlices(
      device,
      label,
      plan.tiles.map((tile) => uniformsOf(plan, tile)),
      memory,
    ),
  }));
  const { scratch, uniforms } = made;
  return {
    scratch,
    dispatch(pass, c, index) {
      const tile = plan.tiles[index]!;
      if (!tile.slices?.sum) return;
      const resources = [uniforms.at(index), { buffer: scratch }, bindingOf(c, tile.c)];
      dispatchWith(device, pass, {
        label,
        pipeline,
        resources,
        workgroups: tile.slices.sum,
      });
    },
    [Symbol.dispose]: () => allocation[Symbol.dispose](),
  };
}

/** The shader's `Tile`; zeros for a tile that needs no sum. */
function uniformsOf(plan: GemmPlan, { m, n, c, slices, accumulate }: GemmTile): Uint32Array {
  if (!slices?.sum) return new Uint32Array(10);
  const slice = m.count * slices.rowStride;
  return Uint32Array.of(
    n.count,
    slices.total,
    Number(accumulate),
    0,
    slices.rowStride,
    slice,
    slices.total * slice,
    c.base,
    plan.c.rowStride,
    plan.c.batch?.stride ?? 0,
  );
}
