import { ClosedError, InputError } from "../core/errors.ts";
import { gemmKernels } from "./gemm-families.ts";
import type { GemmPlan, GemmTile } from "./gemm-plan.ts";
import { bindingOf, requireBuffer } from "./kernel-buffers.ts";
import { compiledPipeline } from "./pipelines.ts";
import { createUniformSlices } from "./uniform-slices.ts";

/**
 * The matrices of one GEMM, laid out as the plan says; each may be longer than it needs. C is in a
 * buffer of its own. All have the usage STORAGE.
 */
export interface GemmBuffers {
  readonly a: GPUBuffer;
  readonly b: GPUBuffer;
  /** Overwritten, or added to where the plan accumulates. What lies between its rows is kept. */
  readonly c: GPUBuffer;
}

/** A GEMM of one shape and layout, compiled. Serves any number of products, on any buffers. */
export interface PreparedGemm extends Disposable {
  readonly plan: GemmPlan;
  /**
   * Appends every tile to `encoder` as one compute pass. Nothing runs until the caller submits.
   *
   * @throws {ShapeError} when a buffer is too short for its matrix.
   * @throws {ClosedError} after disposal.
   */
  record(encoder: GPUCommandEncoder, buffers: GemmBuffers): void;
  /**
   * Appends one tile of the plan, for callers that submit tile by tile, all of them and in order.
   *
   * @throws {InputError} when the plan has no such tile; and whatever `record` throws.
   */
  recordTile(encoder: GPUCommandEncoder, buffers: GemmBuffers, tileIndex: number): void;
}

/**
 * Compiles a plan for the device it was made for. The pipeline is shared with every plan of the same
 * kernel on that device. Dispose of the result after the last submit that uses it; the buffers
 * remain the caller's.
 *
 * Ĉ is within γ_k |A||B| of A·B element by element, and within γ_{k+1} (|C| + |A||B|) of C + A·B where
 * the plan accumulates, absent underflow and overflow.
 */
export async function prepareGemm(device: GPUDevice, plan: GemmPlan): Promise<PreparedGemm> {
  const { code, entryPoint } = gemmKernels[plan.family];
  const { m, k, n } = plan.shape;
  const label = `${entryPoint} ${m}×${k}×${n}`;
  const pipeline = await compiledPipeline(device, { code, entryPoint, constants: plan.constants });
  const uniforms = createUniformSlices(
    device,
    label,
    plan.tiles.map((tile) => uniformsOf(plan, tile)),
  );
  let closed = false;

  const dispatchTile = (pass: GPUComputePassEncoder, buffers: GemmBuffers, index: number) => {
    const tile = plan.tiles[index]!;
    const resources: GPUBufferBinding[] = [
      uniforms.at(index),
      bindingOf(buffers.a, tile.a),
      bindingOf(buffers.b, tile.b),
      bindingOf(buffers.c, tile.c),
    ];
    const group = device.createBindGroup({
      label,
      layout: pipeline.getBindGroupLayout(0),
      entries: resources.map((resource, binding) => ({ binding, resource })),
    });
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(...tile.workgroups);
  };
  const recordTiles = (
    encoder: GPUCommandEncoder,
    buffers: GemmBuffers,
    indices: Iterable<number>,
  ) => {
    if (closed) throw new ClosedError(`${label} has been disposed of`);
    for (const name of ["a", "b", "c"] as const) requireBuffer(name, buffers[name], plan[name]);
    const pass = encoder.beginComputePass({ label });
    pass.setPipeline(pipeline);
    for (const index of indices) dispatchTile(pass, buffers, index);
    pass.end();
  };

  return {
    plan,
    record: (encoder, buffers) => recordTiles(encoder, buffers, plan.tiles.keys()),
    recordTile(encoder, buffers, tileIndex) {
      if (plan.tiles[tileIndex] === undefined) {
        throw new InputError(
          `tileIndex must be an integer from 0 to ${plan.tiles.length - 1}, got ${tileIndex}`,
        );
      }
      recordTiles(encoder, buffers, [tileIndex]);
    },
    [Symbol.dispose]() {
      closed = true;
      uniforms[Symbol.dispose]();
    },
  };
}

/** The shader's `Tile`. */
function uniformsOf(plan: GemmPlan, tile: GemmTile): Uint32Array {
  return Uint32Array.of(
    tile.m.count,
    tile.k.count,
    tile.n.count,
    Number(tile.accumulate),
    tile.a.base,
    plan.a.rowStride,
    tile.b.base,
    plan.b.rowStride,
    tile.c.base,
    plan.c.rowStride,
  );
}
