/** @file The last step of the reductions: partial sums added up in a fixed order (norm_sum.wgsl). */

import { compiledPipeline } from "../pipelines.ts";
import { normSumWgsl } from "../shaders.generated.ts";
import { type BindingWindow, type KernelLimits, windowOf } from "../tiling.ts";

const SUM_WORKGROUP = 64;
/** Partials that one invocation adds up. */
const FAN = 64;

/** One pass: groups × count × width partials become groups × runs × width. */
export interface SumLevel {
  readonly groups: number;
  readonly count: number;
  readonly width: number;
  readonly fan: number;
  readonly runs: number;
}

/**
 * The passes that leave one sum a group, at least one. Each but the last shortens groups to a 64th.
 *
 * @returns also how many roundings a partial takes part in: Σ (fan − 1).
 */
export function planSums(
  { groups, count, width }: Pick<SumLevel, "groups" | "count" | "width">,
  limits: KernelLimits,
): { readonly levels: readonly SumLevel[]; readonly roundings: number } {
  const most = limits.maxComputeWorkgroupsPerDimension * SUM_WORKGROUP;
  const levels: SumLevel[] = [];
  let left = count;
  do {
    const runs = Math.min(Math.ceil(left / FAN), Math.max(1, Math.floor(most / (groups * width))));
    const fan = Math.ceil(left / runs);
    levels.push({ groups, count: left, width, fan, runs: Math.ceil(left / fan) });
    left = Math.ceil(left / fan);
  } while (left > 1);
  return { levels, roundings: levels.reduce((sum, level) => sum + level.fan - 1, 0) };
}

/** Elements that a level reads and writes, one after the other. */
export function levelLengths({ groups, count, width, runs }: SumLevel): {
  readonly from: number;
  readonly to: number;
} {
  return { from: groups * count * width, to: groups * runs * width };
}

/** The window of `length` elements from number `first` on. */
export function lineWindow(first: number, length: number, limits: KernelLimits): BindingWindow {
  const line = { rows: 1, cols: length, rowStride: length, offset: first };
  return windowOf(
    line,
    { rows: { first: 0, count: 1 }, cols: { first: 0, count: length } },
    limits,
  );
}

export function sumPipeline(device: GPUDevice): Promise<GPUComputePipeline> {
  return compiledPipeline(device, {
    code: normSumWgsl,
    entryPoint: "norm_sum",
    constants: { WORKGROUP: SUM_WORKGROUP },
  });
}

/** The shader's `Sums`. */
export function sumUniforms(level: SumLevel, xBase: number, yBase: number): Uint32Array {
  const { groups, count, width, fan, runs } = level;
  return Uint32Array.of(groups, count, width, fan, runs, xBase, yBase, 0, 0);
}

export function sumWorkgroups({ groups, width, runs }: SumLevel): number {
  return Math.ceil((groups * runs * width) / SUM_WORKGROUP);
}
