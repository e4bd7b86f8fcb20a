import { ClosedError, InputError } from "../../core/errors.ts";
import { dispatchWith } from "../dispatch.ts";
import { prepareSplit } from "../halves/halves-split.ts";
import { bindingOf, requireBuffer } from "../kernel-buffers.ts";
import { compiledPipeline, withPrelude } from "../pipelines.ts";
import { allPrepared } from "../prepared.ts";
import { createUniformSlices, type UniformSlices } from "../uniform-slices.ts";
import { gemmKernels } from "./gemm-families.ts";
import { preparePack } from "./gemm-pack.ts";
import type { GemmPlan } from "./gemm-plan.ts";
import { prepareReduction } from "./gemm-reduce.ts";
import type { GemmTile } from "./gemm-tiles.ts";

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
   * Appends every tile to `encoder` as one compute pass, which begins with copies where the plan has some,
   * after passes that split operands where it does. Nothing runs until the caller submits.
   *
   * @throws {ShapeError} when a buffer is too short for its matrix.
   * @throws {ClosedError} after disposal.
   */
  record(encoder: GPUCommandEncoder, buffers: GemmBuffers): void;
  /**
   * Appends one tile of the plan, for callers that submit tile by tile, all of them and in order. Where
   * the plan splits or copies operands, tile 0 begins with that.
   *
   * @throws {InputError} when the plan has no such tile; and whatever `record` throws.
   */
  recordTile(encoder: GPUCommandEncoder, buffers: GemmBuffers, tileIndex: number): void;
}

/**
 * Compiles a plan for the device it was made for. The pipeline is shared with every plan of the same
 * kernel on that device. Dispose of the result after the last submit that uses it; the buffers
 * remain the caller's. It owns device memory: `plan.scratchBytes`, `splitBytes` of each operand where the
 * plan splits them, and `sizeBytes` of each of `plan.copies`.
 *
 * With γ_r for r = `plan.roundings`, Ĉ is within γ_r |A||B| of A·B element by element, and within
 * γ_{r+1} (|C| + |A||B|) of C + A·B where the plan accumulates, absent underflow and overflow: a device
 * may take float32 below 2^-126 for 0, as operand and as result. A and B
 * are what is stored: halves are exact, but for those below 2^-14, which a device may take for 0. With
 * the precision "f32-split" k·2^-36 μ_i ν_j comes on top, μ_i being the largest |element| of row i of A
 * and ν_j that of column j of B, and NaN or ±Inf in a row or a column makes all of that of C NaN.
 *
 * @throws {DeviceLimitError} when the device has no memory for what the plan needs.
 * @throws whatever the device says when it does not compile the kernel. Nothing stays behind either way.
 */
export async function prepareGemm(device: GPUDevice, plan: GemmPlan): Promise<PreparedGemm> {
  const { entryPoint } = gemmKernels[plan.family];
  const { m, k, n } = plan.shape;
  const label = `${entryPoint} ${m}×${k}×${n}`;
  const [
    uniforms,
    fresh,
    adding,
    freshStrip,
    addingStrip,
    reduction,
    splitA,
    splitB,
    packA,
    packB,
  ] = await allPrepared([
    makeUniforms(),
    pipelineFor({ accumulate: false, strip: false }),
    pipelineFor({ accumulate: true, strip: false }),
    pipelineFor({ accumulate: false, strip: true }),
    pipelineFor({ accumulate: true, strip: true }),
    plan.scratchBytes > 0 ? prepareReduction(device, plan) : undefined,
    plan.split && prepareSplit(device, plan.split.a),
    plan.split && prepareSplit(device, plan.split.b),
    plan.copies?.a && preparePack(device, plan.copies.a),
    plan.copies?.b && preparePack(device, plan.copies.b),
  ]);
  let closed = false;

  async function makeUniforms(): Promise<UniformSlices> {
    return createUniformSlices(
      device,
      label,
      plan.tiles.map((tile) => uniformsOf(plan, tile)),
    );
  }
  /** Compiled only where a tile needs it: most plans begin every sum at 0 and have no strip. */
  async function pipelineFor(use: {
    readonly accumulate: boolean;
    readonly strip: boolean;
  }): Promise<GPUComputePipeline | undefined> {
    const serves = (tile: GemmTile) =>
      addsInPlace(tile) === use.accumulate && (tile.strip ?? false) === use.strip;
    if (!plan.tiles.some(serves)) return undefined;
    const [kernel, { prelude }] = use.strip
      ? [gemmKernels[plan.family].strip!, plan.strip!]
      : [gemmKernels[plan.family], plan];
    return compiledPipeline(device, {
      code: withPrelude(kernel.code, prelude),
      entryPoint: kernel.entryPoint,
      constants: { ...plan.constants, ACCUMULATE: Number(use.accumulate) },
    });
  }
  const dispatchTile = (pass: GPUComputePassEncoder, buffers: GemmBuffers, index: number) => {
    const tile = plan.tiles[index]!;
    const [begins, adds] = tile.strip ? [freshStrip, addingStrip] : [fresh, adding];
    const pipeline = (addsInPlace(tile) ? adds : begins)!;
    const resources = [
      uniforms.at(index),
      bindingOf(splitA?.halves ?? packA?.packed ?? buffers.a, tile.a),
      bindingOf(splitB?.halves ?? packB?.packed ?? buffers.b, tile.b),
      tile.slices && reduction ? { buffer: reduction.scratch } : bindingOf(buffers.c, tile.c),
      ...[splitA, splitB].flatMap((split) => (split ? [{ buffer: split.maxima }] : [])),
    ];
    dispatchWith(device, pass, { label, pipeline, resources, workgroups: tile.workgroups });
    reduction?.dispatch(pass, buffers.c, index);
  };
  const recordTiles = (
    encoder: GPUCommandEncoder,
    buffers: GemmBuffers,
    indices: readonly number[],
  ) => {
    if (closed) throw new ClosedError(`${label} has been disposed of`);
    for (const name of ["a", "b", "c"] as const) requireBuffer(name, buffers[name], plan[name]);
    if (indices[0] === 0) {
      splitA?.record(encoder, buffers.a);
      splitB?.record(encoder, buffers.b);
    }
    const pass = encoder.beginComputePass({ label });
    if (indices[0] === 0) {
      packA?.dispatch(pass, buffers.a);
      packB?.dispatch(pass, buffers.b);
    }
    for (const index of indices) dispatchTile(pass, buffers, index);
    pass.end();
  };

  return {
    plan,
    record: (encoder, buffers) => recordTiles(encoder, buffers, [...plan.tiles.keys()]),
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
      reduction?.[Symbol.dispose]();
      splitA?.[Symbol.dispose]();
      splitB?.[Symbol.dispose]();
      packA?.[Symbol.dispose]();
      packB?.[Symbol.dispose]();
    },
  };
}

/** Slices begin at 0 in memory of their own, and what they add up to is added to C afterwards. */
function addsInPlace({ accumulate, slices }: GemmTile): boolean {
  return accumulate && !slices;
}

/** The shader's `Tile`. */
function uniformsOf(plan: GemmPlan, tile: GemmTile): Uint32Array {
  const { m, k, n, products, slices } = tile;
  const { split, copies } = plan;
  const a = split?.a.halves ?? copies?.a?.packed ?? plan.a;
  const b = split?.b.halves ?? copies?.b?.packed ?? plan.b;
  const lines = { a: plan.split?.a.lineStride ?? 0, b: plan.split?.b.lineStride ?? 0 };
  const ofC = slices
    ? {
        base: slices.first * m.count * slices.rowStride,
        stride: slices.rowStride,
        batch: slices.total * m.count * slices.rowStride,
        slice: m.count * slices.rowStride,
      }
    : { base: tile.c.base, stride: plan.c.rowStride, batch: plan.c.batch?.stride ?? 0, slice: 0 };
  return Uint32Array.of(
    m.count,
    k.count,
    n.count,
    tile.a.base,
    a.rowStride,
    tile.b.base,
    b.rowStride,
    ofC.base,
    ofC.stride,
    slices?.count ?? 1,
    slices?.length ?? k.count,
    a.batch?.stride ?? 0,
    b.batch?.stride ?? 0,
    ofC.batch,
    ofC.slice,
    // Where the lines of split operands have their scales; only gemm_matrix.wgsl reads these.
    products.first * lines.a + m.first,
    products.first * lines.b + n.first,
    lines.a,
    lines.b,
  );
}
