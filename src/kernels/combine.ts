import type { BlockCombination } from "../core/code.ts";
import { ClosedError, ShapeError } from "../core/errors.ts";
import { type CombinePlan, type CombineTile, requireTable } from "./combine-plan.ts";
import { BufferUsage } from "./gpu-constants.ts";
import { bindingOf, requireBuffer } from "./kernel-buffers.ts";
import { compiledPipeline, withPrelude } from "./pipelines.ts";
import { combineWgsl } from "./shaders.generated.ts";
import { extentBytes } from "./tiling.ts";
import { createUniformSlices } from "./uniform-slices.ts";

/**
 * Stacked blocks, laid out as the plan says; each buffer may be longer than it needs
 * (`extentBytes(plan.inputs)`). Two buffers, both with the usage STORAGE.
 */
export interface CombineBuffers {
  /** A block for every column of the table. Padding between blocks may hold anything. */
  readonly inputs: GPUBuffer;
  /** A block for every row of the table, overwritten; so are up to three elements of padding after each. */
  readonly outputs: GPUBuffer;
}

/** A combination of one shape and layout, compiled. Serves any number of jobs, on any buffers. */
export interface PreparedCombine extends Disposable {
  /** As prepared: `plan.table` is the first table, whatever `setTable` has set since. */
  readonly plan: CombinePlan;
  /**
   * Puts other coefficients in the place of the present ones, for everything that is submitted after
   * this call. Nothing is compiled.
   *
   * @throws {ShapeError} when the table has another size than the plan's.
   * @throws {InputError} when a weight is not finite in float32.
   * @throws {ClosedError} after disposal.
   */
  setTable(table: BlockCombination): void;
  /**
   * Appends every tile to `encoder` as one compute pass. Nothing runs until the caller submits.
   *
   * @throws {ShapeError} when a buffer is too short.
   * @throws {ClosedError} after disposal.
   */
  record(encoder: GPUCommandEncoder, buffers: CombineBuffers): void;
}

/**
 * Compiles a plan for the device it was made for. The pipeline is shared by all plans with as many
 * outputs a pass. Dispose of the result after the last submit that uses it; the buffers remain the
 * caller's.
 *
 * Every output is within γ_{c+1} Σ_c |w||x| of Σ_c w·x element by element, absent underflow and
 * overflow, c counting the columns of the table: weights are rounded to float32, sums run in float32.
 * An input with weight 0 is read all the same, so NaN and ±Inf in it make NaN.
 */
export async function prepareCombine(
  device: GPUDevice,
  plan: CombinePlan,
): Promise<PreparedCombine> {
  const { table, block, vectorWidth, outputsPerPass } = plan;
  const label = `combine ${table.rows}×${table.cols} blocks of ${block.rows}×${block.cols}`;
  const elem = vectorWidth === 4 ? "vec4f" : "f32";
  const prelude = `const OUTPUTS = ${outputsPerPass}u; alias Elem = ${elem};`;
  const pipeline = await compiledPipeline(device, {
    code: withPrelude(combineWgsl, prelude),
    entryPoint: "combine",
    constants: plan.constants,
  });
  const uniforms = createUniformSlices(
    device,
    label,
    plan.tiles.map((tile) => uniformsOf(plan, tile)),
  );
  const weights = device.createBuffer({
    label,
    size: extentBytes(plan.weights),
    usage: BufferUsage.STORAGE | BufferUsage.COPY_DST,
  });
  device.queue.writeBuffer(weights, 0, packWeights(plan, table));
  let closed = false;
  const requireOpen = () => {
    if (closed) throw new ClosedError(`${label} has been disposed of`);
  };

  return {
    plan,
    setTable(next) {
      requireOpen();
      requireTable(next);
      if (next.rows !== table.rows || next.cols !== table.cols) {
        throw new ShapeError(
          `the table must be ${table.rows}×${table.cols}, got ${next.rows}×${next.cols}`,
        );
      }
      device.queue.writeBuffer(weights, 0, packWeights(plan, next));
    },
    record(encoder, { inputs, outputs }) {
      requireOpen();
      requireBuffer("inputs", inputs, plan.inputs);
      requireBuffer("outputs", outputs, plan.outputs);
      const pass = encoder.beginComputePass({ label });
      pass.setPipeline(pipeline);
      for (const [i, tile] of plan.tiles.entries()) {
        const resources: GPUBufferBinding[] = [
          uniforms.at(i),
          bindingOf(weights, tile.weights),
          bindingOf(inputs, tile.x),
          bindingOf(outputs, tile.y),
        ];
        const group = device.createBindGroup({
          label,
          layout: pipeline.getBindGroupLayout(0),
          entries: resources.map((resource, binding) => ({ binding, resource })),
        });
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...tile.workgroups);
      }
      pass.end();
    },
    [Symbol.dispose]() {
      closed = true;
      uniforms[Symbol.dispose]();
      weights.destroy();
    },
  };
}

/** The shader's `Tile`; all but the base of the weights counts Elems. */
function uniformsOf(plan: CombinePlan, tile: CombineTile): Uint32Array {
  const { vectorWidth, blockStrideElements } = plan;
  return Uint32Array.of(
    tile.elements.count / vectorWidth,
    tile.inputs.count,
    tile.outputs.count,
    Number(tile.accumulate),
    tile.weights.base,
    tile.x.base / vectorWidth,
    blockStrideElements / vectorWidth,
    tile.y.base / vectorWidth,
    blockStrideElements / vectorWidth,
  );
}

/** The table as the shader reads it: pass by pass, input by input, the weights of a pass's outputs. */
function packWeights(plan: CombinePlan, table: BlockCombination): Float32Array<ArrayBuffer> {
  const { outputsPerPass, tiles } = plan;
  const packed = new Float32Array(plan.weights.rows * plan.weights.cols);
  const perPass = tiles[0]!.outputs.count;
  for (let row = 0; row < table.rows; row++) {
    const pass = Math.floor(row / perPass);
    const sum = row % perPass;
    for (let col = 0; col < table.cols; col++) {
      packed[(pass * table.cols + col) * outputsPerPass + sum] =
        table.weights[row * table.cols + col]!;
    }
  }
  return packed;
}
