import { z } from "zod";
import type { BlockShape } from "../../core/blocks.ts";
import { DeviceLimitError } from "../../core/errors.ts";
import { requireOptions } from "../../core/options.ts";
import { integer, offsetsOf } from "../combine/combine-options.ts";
import type { CombineDevice } from "../combine/combine-plan.ts";
import { isSoftware } from "../device/device-adapters.ts";
import {
  type BindingWindow,
  fitPart,
  requireCount,
  requireStored,
  type StoredMatrix,
  split,
  windowCapacity,
  windowOf,
} from "../tiling.ts";
import { lineWindow, planSums, type SumLevel } from "./reduction-sums.ts";

/** How a projection is to be planned. Every field is optional. */
export interface ProjectionOptions {
  /** Columns of r, 1 … 4: vectors that one reading of X is multiplied by. Default 1. */
  readonly vectors?: number;
  /** Elements from row to row of X. Default: its columns. */
  readonly rowStride?: number;
  /** Elements before the first of each buffer. Default 0. */
  readonly offsets?: { readonly x?: number; readonly r?: number; readonly y?: number };
}

const projectionOptionsSchema = z.strictObject(
  {
    vectors: z.literal([1, 2, 3, 4], "must be 1, 2, 3 or 4").optional(),
    rowStride: integer.optional(),
    offsets: offsetsOf("x", "r", "y").optional(),
  },
  "must be an object",
);

/** A part of X's rows and columns times a part of r: partial sums of every row. */
export interface ProjectionTile {
  readonly rows: number;
  readonly cols: number;
  readonly x: BindingWindow;
  readonly r: BindingWindow;
  /** Number of the tile's first partial sum among those of a row. */
  readonly slot: number;
}

/** Rows that are made together: partial sums of all their columns, then their sum. */
export interface ProjectionRows {
  readonly tiles: readonly ProjectionTile[];
  readonly levels: readonly SumLevel[];
  readonly y: BindingWindow;
}

/** Everything that is decided about one projection. Plain data. */
export interface ProjectionPlan {
  readonly shape: BlockShape;
  readonly vectors: number;
  /** Partial sums of a row in one tile: as many invocations work on it. */
  readonly sums: number;
  /** Partial sums of a row in all. */
  readonly slots: number;
  readonly x: StoredMatrix;
  /** cols × vectors, row-major without gaps. */
  readonly r: StoredMatrix;
  /** rows × vectors, row-major without gaps. */
  readonly y: StoredMatrix;
  readonly parts: readonly ProjectionRows[];
  /** Elements of each of the two buffers that hold partial sums. */
  readonly scratchElements: number;
  /** |computed − exact| ≤ γ_roundings Σ|x||r|, absent underflow and overflow. */
  readonly roundings: number;
}

export const PROJECTION_WORKGROUP = 64;
/** Columns that an invocation goes through, and invocations of a row at most. */
const PER_SUM = { gpu: 16, software: 1024 };
const MAX_SUMS = 64;

/**
 * Plans y = X·r for a row-major X and up to four vectors, as Freivalds' check needs them. Pure: reads
 * `limits` and `adapterInfo` of the device. Matrices longer than a binding are cut by rows, and by
 * columns where a row is; the order of all sums is fixed by the plan, so that equal operands give equal
 * bits.
 *
 * @throws {ShapeError} when X is empty or its rows overlap.
 * @throws {InputError} when an option is unknown or breaks its rule.
 * @throws {DeviceLimitError} when a buffer is too long for the device, or a row for its bindings.
 */
export function planProjection(
  shape: BlockShape,
  device: CombineDevice,
  options: ProjectionOptions = {},
): ProjectionPlan {
  const { rows, cols } = shape;
  requireCount("shape.rows", rows);
  requireCount("shape.cols", cols);
  requireOptions(projectionOptionsSchema, options);
  const { vectors = 1, rowStride = cols, offsets = {} } = options;
  const { limits } = device;
  const x = { rows, cols, rowStride, offset: offsets.x ?? 0 };
  const r = { rows: cols, cols: vectors, rowStride: vectors, offset: offsets.r ?? 0 };
  const y = { rows, cols: vectors, rowStride: vectors, offset: offsets.y ?? 0 };
  requireStored("x", x, limits);
  requireStored("r", r, limits);
  requireStored("y", y, limits);

  const capacity = windowCapacity(limits);
  const together = Math.floor(capacity / vectors); // rows of r or y, or partial sums, in a binding
  const most = limits.maxComputeWorkgroupsPerDimension * PROJECTION_WORKGROUP;
  const fitting = fitPart(shape, rowStride, Math.min(capacity, together));
  const colSpans = split(cols, fitting.cols);
  const software = isSoftware(device.adapterInfo);
  const sums = Math.min(
    Math.ceil(colSpans[0]!.count / (software ? PER_SUM.software : PER_SUM.gpu)),
    MAX_SUMS,
    Math.floor(together / colSpans.length),
    colSpans.at(-1)!.count, // the shortest
  );
  if (!(sums >= 1)) {
    throw new DeviceLimitError(
      `a row of ${cols} elements needs ${colSpans.length} windows, more than a binding has elements`,
    );
  }
  const slots = sums * colSpans.length;
  const rowsTogether = Math.max(
    1,
    Math.min(
      fitPart({ rows, cols: fitting.cols }, rowStride, capacity).rows,
      Math.floor(together / slots),
      Math.floor(most / Math.max(sums, vectors)),
    ),
  );
  let roundings = 0;
  const parts = split(rows, rowsTogether).map((span): ProjectionRows => {
    const tiles = colSpans.map((colSpan, i) => ({
      rows: span.count,
      cols: colSpan.count,
      x: windowOf(x, { rows: span, cols: colSpan }, limits),
      r: windowOf(r, { rows: colSpan, cols: { first: 0, count: vectors } }, limits),
      slot: i * sums,
    }));
    const { levels, roundings: later } = planSums(
      { groups: span.count, count: slots, width: vectors },
      limits,
    );
    roundings = Math.max(roundings, Math.ceil(colSpans[0]!.count / sums) + later);
    const first = y.offset + span.first * vectors;
    return { tiles, levels, y: lineWindow(first, span.count * vectors, limits) };
  });
  return {
    shape: { rows, cols },
    vectors,
    sums,
    slots,
    x,
    r,
    y,
    parts,
    scratchElements: parts[0]!.tiles[0]!.rows * slots * vectors,
    roundings,
  };
}
