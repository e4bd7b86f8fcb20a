/** @file Which operands a plan copies before it multiplies, and how its tiles read the copies. */

import { DeviceLimitError } from "../../core/errors.ts";
import type { KernelLimits } from "../tiling.ts";
import type { GemmFamily, GemmKernel, GemmProblem } from "./gemm-family.ts";
import { type PackPlan, planPack } from "./gemm-pack.ts";
import type { GemmTile, Operands } from "./gemm-tiles.ts";

/** The operands that are copied, so that tiles read the copies in their place. Plain data. */
export interface GemmCopies {
  readonly a?: PackPlan;
  readonly b?: PackPlan;
}

interface Job {
  readonly family: GemmFamily;
  readonly kernel: GemmKernel;
  readonly operands: Operands;
  readonly problem: GemmProblem;
  readonly tiles: readonly GemmTile[];
  /** Whether what the kernel reads badly, or not at all, may be copied. */
  readonly pack: boolean;
  readonly limits: KernelLimits;
}

/**
 * Plans the copies. Pure.
 *
 * @returns why the kernel cannot read the operands, where it cannot.
 */
export function planCopies(job: Job): GemmCopies | string {
  if (job.kernel.octets) return octetCopies(job);
  const b = job.pack ? quadCopy(job) : undefined;
  return b ? { b } : {};
}

/** @throws {DeviceLimitError} when a copy that the caller demands is neither made nor superfluous. */
export function requireCopied({ problem, kernel }: Job, copies: GemmCopies): void {
  if (kernel.octets || (kernel.wholeQuads && (copies.b || problem.aligned.b))) return;
  throw new DeviceLimitError(
    "config.pack is 1, but only a float32 B of one product that is stored k×n and fits a binding " +
      'can be copied, and only for the families "quad", "register", "subgroup" and "vector"',
  );
}

/** Tiles that read the copies, whose zeros they need to see. */
export function onCopies(tiles: readonly GemmTile[], copies: GemmCopies): readonly GemmTile[] {
  const { a, b } = copies;
  return tiles.map((tile) => ({
    ...tile,
    ...(a ? { a: windowOn(a, tile, "m", "k") } : {}),
    ...(b ? { b: windowOn(b, tile, "k", "n") } : {}),
  }));
}

function windowOn(
  { packed, sizeBytes }: PackPlan,
  tile: GemmTile,
  rows: "m" | "k",
  cols: "k" | "n",
) {
  const item = tile.products.first * (packed.batch?.stride ?? 0);
  const base = item + tile[rows].first * packed.rowStride + tile[cols].first;
  return { offsetBytes: 0, sizeBytes, base };
}

/**
 * A copy of B with rows of whole quads, and rows of zeros where k is no multiple of four.
 *
 * @returns undefined where there is nothing to gain, or no room for it in one binding.
 */
function quadCopy({ operands, problem, tiles, limits }: Job): PackPlan | undefined {
  const { shape, precision, products, transposeB, aligned } = problem;
  const plain = precision === "f32" && products === 1 && !transposeB;
  if (!plain || aligned.b || !beginAt(4, tiles)) return undefined;
  const size = { rows: roundUp(shape.k, 4), cols: roundUp(shape.n, 8) };
  return planPack(operands.b.stored, size, limits);
}

/** Copies of all that does not lie in whole octets, with zeros up to the next one along k and n. */
function octetCopies(job: Job): GemmCopies | string {
  const { family, operands, problem, tiles, pack, limits } = job;
  const { shape, transposeA, transposeB, octets } = problem;
  const apart = `family "${family}" reads eight elements at a time, but`;
  if (!beginAt(8, tiles)) return `${apart} bindings are so short that an octet would be cut`;
  const [k, n] = [roundUp(shape.k, 8), roundUp(shape.n, 8)];
  const sizes = {
    a: { rows: shape.m, cols: k, transposed: transposeA },
    b: { rows: k, cols: n, transposed: transposeB },
  };
  const copies: { a?: PackPlan; b?: PackPlan } = {};
  for (const name of ["a", "b"] as const) {
    if (octets[name]) continue;
    const copy = planPack(operands[name].stored, sizes[name], limits);
    if (!copy || !pack) {
      const why = pack
        ? "the copy would exceed a binding, or its rows the workgroups of a dispatch"
        : "config.pack is 0";
      return `${apart} ${name} does not lie so and cannot be copied: ${why}`;
    }
    copies[name] = copy;
  }
  return copies;
}

/** Whether every tile begins at a multiple of `step` along k and n. */
function beginAt(step: number, tiles: readonly GemmTile[]): boolean {
  return tiles.every(({ k, n }) => k.first % step === 0 && n.first % step === 0);
}

function roundUp(count: number, multiple: number): number {
  return Math.ceil(count / multiple) * multiple;
}
