import type { GemmPlan } from "./gemm-plan.ts";
import { type GemmTile, REDUCE_WORKGROUP } from "./gemm-tiles.ts";
import { bindingOf } from "./kernel-buffers.ts";
import { compiledPipeline } from "./pipelines.ts";
import { gemmReduceWgsl } from "./shaders.generated.ts";
import { createUniformSlices } from "./uniform-slices.ts";

/** Adds up the slices of k of a plan's tiles. */
export interface PreparedReduction extends Disposable {
  /** Appends the sum of tile `index`; does nothing where that tile has no slices. */
  dispatch(
    pass: GPUComputePassEncoder,
    buffers: { readonly scratch: GPUBuffer; readonly c: GPUBuffer },
    index: number,
  ): void;
}

/** Compiles `shaders/gemm_reduce.wgsl` for the sliced tiles of `plan`. */
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
  const blocks = plan.tiles.map((tile) => uniformsOf(plan, tile));
  const uniforms = createUniformSlices(device, label, blocks);
  return {
    dispatch(pass, { scratch, c }, index) {
      const tile = plan.tiles[index]!;
      if (!tile.slices) return;
      const resources: GPUBufferBinding[] = [
        uniforms.at(index),
        { buffer: scratch },
        bindingOf(c, tile.c),
      ];
      const group = device.createBindGroup({
        label,
        layout: pipeline.getBindGroupLayout(0),
        entries: resources.map((resource, binding) => ({ binding, resource })),
      });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...tile.slices.workgroups);
    },
    [Symbol.dispose]: () => uniforms[Symbol.dispose](),
  };
}

/** The shader's `Tile`; zeros for a tile that needs no sum. */
function uniformsOf(plan: GemmPlan, { m, n, c, slices, accumulate }: GemmTile): Uint32Array {
  if (!slices) return new Uint32Array(10);
  const slice = m.count * slices.rowStride;
  return Uint32Array.of(
    n.count,
    slices.count,
    Number(accumulate),
    0,
    slices.rowStride,
    slice,
    slices.count * slice,
    c.base,
    plan.c.rowStride,
    plan.c.batch?.stride ?? 0,
  );
}
