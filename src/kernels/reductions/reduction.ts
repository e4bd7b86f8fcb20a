/** @file Partial sums made by one kernel and added up in a fixed order: what norms and projections share. */

import { ClosedError } from "../../core/errors.ts";
import { dispatchWith } from "../dispatch.ts";
import { BufferUsage } from "../gpu-constants.ts";
import { bindingOf, requireBuffer } from "../kernel-buffers.ts";
import { compiledPipeline, type PipelineSource } from "../pipelines.ts";
import { allocated } from "../prepared.ts";
import type { BindingWindow, StoredMatrix } from "../tiling.ts";
import { createUniformSlices } from "../uniform-slices.ts";
import {
  levelLengths,
  type SumLevel,
  sumPipeline,
  sumUniforms,
  sumWorkgroups,
} from "./reduction-sums.ts";

/** Results that are made together: the partial sums of all tiles, then their sums level by level. */
interface SummedPart<Tile> {
  readonly tiles: readonly Tile[];
  readonly levels: readonly SumLevel[];
  /** Where in the buffer of results they go. */
  readonly y: BindingWindow;
}

/** A kernel that makes partial sums, and what becomes of them. `Name` are the names of the caller's buffers. */
export interface Summation<Tile, Name extends string> {
  readonly label: string;
  /** The kernel. Its bindings: uniforms, what it reads, the buffer of partial sums. */
  readonly kernel: PipelineSource;
  readonly parts: readonly SummedPart<Tile>[];
  /** Elements of each of the two buffers that hold partial sums. */
  readonly scratchElements: number;
  /** What the caller's buffers hold. */
  readonly stored: Readonly<Record<Name, StoredMatrix>>;
  /** The buffer that gets the results. */
  readonly results: NoInfer<Name>;
  /** The kernel's uniforms, as many words for every tile as `sumUniforms` has. */
  uniformsOf(tile: Tile): Uint32Array;
  /** What the kernel reads of the caller's buffers. */
  readsOf(tile: Tile, buffers: Readonly<Record<Name, GPUBuffer>>): readonly GPUBufferBinding[];
  workgroupsOf(tile: Tile): number;
}

/** A summation, compiled. */
export interface PreparedSummation<Name extends string> extends Disposable {
  /**
   * Appends all dispatches to `encoder` as one compute pass. Nothing runs until the caller submits.
   *
   * @throws {ShapeError} when a buffer is too short.
   * @throws {ClosedError} after disposal.
   */
  record(encoder: GPUCommandEncoder, buffers: Readonly<Record<Name, GPUBuffer>>): void;
}

/**
 * Compiles a summation, and allocates two buffers for partial sums.
 *
 * @throws {DeviceLimitError} when the device has no memory for them. Whatever fails, nothing of what was
 *   made is left on the device.
 */
export async function prepareSummation<Tile, Name extends string>(
  device: GPUDevice,
  summation: Summation<Tile, Name>,
): Promise<PreparedSummation<Name>> {
  const { label, parts, stored } = summation;
  const names = Object.keys(stored) as Name[];
  const [kernel, sum] = await Promise.all([
    compiledPipeline(device, summation.kernel),
    sumPipeline(device),
  ]);
  const { made, allocation } = await allocated(device, "partial sums", (memory) => ({
    uniforms: createUniformSlices(device, label, uniformBlocks(summation), memory),
    scratch: [0, 1].map(() =>
      memory.create(device, {
        label,
        size: summation.scratchElements * Float32Array.BYTES_PER_ELEMENT,
        usage: BufferUsage.STORAGE,
      }),
    ),
  }));
  const { uniforms, scratch } = made;
  /** The first `elements` of the buffer that level `index` reads, and the level before writes. */
  const partials = (index: number, elements: number): GPUBufferBinding => ({
    buffer: scratch[index % 2]!,
    size: elements * Float32Array.BYTES_PER_ELEMENT,
  });
  let closed = false;

  return {
    record(encoder, buffers) {
      if (closed) throw new ClosedError(`${label} has been disposed of`);
      for (const name of names) requireBuffer(name, buffers[name], stored[name]);
      const pass = encoder.beginComputePass({ label });
      let slice = 0;
      const dispatch = (
        pipeline: GPUComputePipeline,
        bindings: readonly GPUBufferBinding[],
        workgroups: number,
      ) =>
        dispatchWith(device, pass, {
          label,
          pipeline,
          resources: [uniforms.at(slice++), ...bindings],
          workgroups: [workgroups, 1, 1],
        });
      for (const { tiles, levels, y } of parts) {
        const first = partials(0, levelLengths(levels[0]!).from);
        for (const tile of tiles) {
          const bindings = [...summation.readsOf(tile, buffers), first];
          dispatch(kernel, bindings, summation.workgroupsOf(tile));
        }
        for (const [i, level] of levels.entries()) {
          const lengths = levelLengths(level);
          const to =
            i === levels.length - 1
              ? bindingOf(buffers[summation.results], y)
              : partials(i + 1, lengths.to);
          dispatch(sum, [partials(i, lengths.from), to], sumWorkgroups(level));
        }
      }
      pass.end();
    },
    [Symbol.dispose]() {
      closed = true;
      allocation[Symbol.dispose]();
    },
  };
}

/** Of all dispatches, in their order. */
function uniformBlocks<Tile>(summation: Summation<Tile, string>): Uint32Array[] {
  return summation.parts.flatMap(({ tiles, levels, y }) => [
    ...tiles.map((tile) => summation.uniformsOf(tile)),
    ...levels.map((level, i) => sumUniforms(level, 0, i === levels.length - 1 ? y.base : 0)),
  ]);
}
