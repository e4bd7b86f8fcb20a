import type { BlockCombination } from "../../core/code.ts";
import { ClosedError, InputError, ShapeError } from "../../core/errors.ts";
import { dispatchWith } from "../dispatch.ts";
import { BufferUsage } from "../gpu-constants.ts";
import { bindingOf, requireBuffer } from "../kernel-buffers.ts";
import { compiledPipeline, withPrelude } from "../pipelines.ts";
import { allocated } from "../prepared.ts";
import { combineFewWgsl, combineHornerWgsl, combineWgsl } from "../shaders.generated.ts";
import { createUniformSlices } from "../uniform-slices.ts";
import type { CombinePlan } from "./combine-plan.ts";
import { packColumns, packRows, requireTable } from "./combine-table.ts";
import type { BlockWalk, CombineTile } from "./combine-tiles.ts";
import { packPoints, vandermondeOf } from "./combine-vandermonde.ts";

/**
 * Blocks, laid out as the plan says: stacked, or where they lie in a matrix. Each buffer may be longer than
 * it needs (`extentBytes(plan.inputs)`). Two buffers, both with the usage STORAGE.
 */
export interface CombineBuffers {
  /** A block for every column of the table. Padding between blocks may hold anything. */
  readonly inputs: GPUBuffer;
  /**
   * A block for every row of the table, overwritten. Where inputs and outputs are stacks, so are up to
   * three elements of padding after each; all else that lies between blocks, rows or around is kept.
   */
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
   * @throws {InputError} when a weight is not finite in float32, or the plan uses Horner's rule and the
   *   table is no Vandermonde table.
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
 * Compiles a plan for the device it was made for. Pipelines are shared by all plans with as many inputs
 * and outputs a pass. Dispose of the result after the last submit that uses it; the buffers remain the
 * caller's.
 *
 * Every output is within γ_{plan.roundings} Σ_c |w||x| of Σ_c w·x element by element, absent underflow
 * and overflow: weights are rounded to float32, sums run in float32. The roundings are the table's
 * columns and one more, three times as many by Horner's rule.
 * An input with weight 0 is read all the same, so NaN and ±Inf in it make NaN.
 *
 * @throws {DeviceLimitError} when the device has no memory for the table. Whatever fails, nothing of
 *   what was made is left on the device.
 */
export async function prepareCombine(
  device: GPUDevice,
  plan: CombinePlan,
): Promise<PreparedCombine> {
  const { table, block, tiles, panels } = plan;
  const label = `combine ${table.rows}×${table.cols} blocks of ${block.rows}×${block.cols}`;
  const pipelines = await Promise.all(tiles.map((tile) => pipelineOf(device, plan, tile)));
  const { UNIFORM, STORAGE, COPY_DST } = BufferUsage;
  const { made, allocation } = await allocated(device, "the table of a combination", (memory) => {
    const uniforms = createUniformSlices(
      device,
      label,
      tiles.map((tile) => uniformsOf(plan, tile)),
      memory,
    );
    const packed = packTable(plan, table);
    const weights = memory.create(device, {
      label,
      size: packed.byteLength,
      usage: (plan.kernel === "many" ? STORAGE : UNIFORM) | COPY_DST,
    });
    device.queue.writeBuffer(weights, 0, packed);
    return { uniforms, weights };
  });
  const { uniforms, weights } = made;
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
      device.queue.writeBuffer(weights, 0, packTable(plan, next));
    },
    record(encoder, { inputs, outputs }) {
      requireOpen();
      requireBuffer("inputs", inputs, plan.inputs);
      requireBuffer("outputs", outputs, plan.outputs);
      const pass = encoder.beginComputePass({ label });
      for (const [i, tile] of tiles.entries()) {
        const { offsetBytes, sizeBytes } = panels[tile.panel]!;
        const resources = [
          uniforms.at(i),
          { buffer: weights, offset: offsetBytes, size: sizeBytes },
          bindingOf(inputs, tile.x),
          bindingOf(outputs, tile.y),
        ];
        const { workgroups } = tile;
        dispatchWith(device, pass, { label, pipeline: pipelines[i]!, resources, workgroups });
      }
      pass.end();
    },
    [Symbol.dispose]() {
      closed = true;
      allocation[Symbol.dispose]();
    },
  };
}

/** What an invocation reads at once, by the number of floats, and w·x + sum of it. */
const ELEMENTS = {
  1: { type: "f32", sum: "fma(w, x, sum)" },
  4: { type: "vec4f", sum: "fma(Elem(w), x, sum)" },
  8: { type: "mat2x4f", sum: "Elem(fma(vec4f(w), x[0], sum[0]), fma(vec4f(w), x[1], sum[1]))" },
};

/** Compiled once for a number of inputs and outputs: both are written out in the shaders. */
function pipelineOf(
  device: GPUDevice,
  { kernel, vectorWidth, constants }: CombinePlan,
  { inputs, outputs, accumulate }: CombineTile,
): Promise<GPUComputePipeline> {
  const { type, sum } = ELEMENTS[vectorWidth];
  const add = `fn add(w: f32, x: Elem, sum: Elem) -> Elem { return ${sum}; }`;
  const prelude = `alias Elem = ${type};${kernel === "many" ? ` ${add}` : ""}`;
  const common = { ...constants, OUTPUTS: outputs.length, ACCUMULATE: Number(accumulate) };
  if (kernel === "few") {
    return compiledPipeline(device, {
      code: withPrelude(combineFewWgsl, prelude),
      entryPoint: "combine_few",
      constants: { ...common, INPUTS: inputs.length },
    });
  }
  const horner = kernel === "horner";
  return compiledPipeline(device, {
    code: withPrelude(horner ? combineHornerWgsl : combineWgsl, prelude),
    entryPoint: horner ? "combine_horner" : "combine",
    constants: common,
  });
}

/** The shader's `Tile`, which counts Elems. */
function uniformsOf(plan: CombinePlan, tile: CombineTile): Uint32Array {
  const { vectorWidth, kernel } = plan;
  const { WORKGROUP } = plan.constants;
  const { area, xOrigins, yOrigins, xRowStride, yRowStride } = tile;
  const cols = area.cols.count / vectorWidth;
  const words = [
    area.rows.count * cols,
    cols,
    Math.floor(WORKGROUP / cols),
    WORKGROUP % cols,
    xRowStride / vectorWidth,
    yRowStride / vectorWidth,
  ];
  const vectors = (elements: readonly number[]) => elements.map((count) => count / vectorWidth);
  const yAt = kernel === "few" ? 24 : 12;
  const uniforms = new Uint32Array(yAt + 32);
  uniforms.set(words);
  if (kernel === "few") {
    uniforms.set(vectors(xOrigins), 8);
  } else {
    // The highest power comes first: where it is the last input's, the walk goes backwards.
    const backwards = kernel === "horner" && !plan.descending;
    const { step, wrap, cols: inRow, left } = backwards ? reversed(tile) : tile.xWalk;
    const first = (backwards ? xOrigins.at(-1) : xOrigins[0]) ?? 0;
    uniforms.set([tile.inputs.length, ...vectors([first, step, wrap]), inRow, left], 6);
  }
  uniforms.set(vectors(yOrigins), yAt);
  return uniforms;
}

/** The way from the last input to the first. */
function reversed({ xWalk: { step, wrap, cols, left }, inputs }: CombineTile): BlockWalk {
  return { step: -step, wrap: -wrap, cols, left: ((inputs.length - left - 1 + cols) % cols) + 1 };
}

/** The table as the shader reads it, panel by panel. */
function packTable(plan: CombinePlan, table: BlockCombination): Float32Array<ArrayBuffer> {
  const { panels } = plan;
  const last = panels.at(-1)!;
  const packed = new Float32Array((last.offsetBytes + last.sizeBytes) / 4);
  const pack = packingOf(plan, table);
  for (const panel of panels) pack(table, panel, packed.subarray(panel.offsetBytes / 4));
  return packed;
}

/** @throws {InputError} when a table has no powers for Horner's rule, or in another order than the first. */
function packingOf({ kernel, descending }: CombinePlan, table: BlockCombination): typeof packRows {
  if (kernel === "few") return packRows;
  if (kernel === "many") return packColumns;
  const powers = vandermondeOf(table);
  if (powers?.descending !== descending) {
    throw new InputError("the table must have rows of powers in the order of the first table's");
  }
  return (_, panel, packed) => packPoints(powers!, table, panel, packed);
}
