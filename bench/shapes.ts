import type { Shape } from "./record.ts";

export interface SweepShape extends Shape {
  /** Why it is in the sweep. */
  readonly set: string;
  /** Whether times from host array to host array are taken, too. */
  readonly host: boolean;
}

/** The shape with no dimension a multiple of anything, and its neighbour of multiples of 64. */
export const ODD: Shape = { m: 509, k: 1021, n: 257 };
export const EVEN: Shape = { m: 512, k: 1024, n: 256 };

const squares = [64, 128, 256, 512, 1024, 2048, 4096, 8192];

/** Fully connected layers of the unequal-protection paper: forward, and both gradients. */
const layers: readonly Shape[] = [
  { m: 64, k: 784, n: 100 },
  { m: 64, k: 100, n: 784 },
  { m: 784, k: 64, n: 100 },
  { m: 64, k: 100, n: 200 },
  { m: 64, k: 200, n: 100 },
  { m: 100, k: 64, n: 200 },
  { m: 64, k: 200, n: 10 },
  { m: 64, k: 10, n: 200 },
  { m: 200, k: 64, n: 10 },
];

const others: readonly (Shape & { readonly set: string })[] = [
  ...[
    { m: 1, k: 1024, n: 1024 },
    { m: 1024, k: 1024, n: 1 },
    { m: 2048, k: 2048, n: 8 },
    { m: 16, k: 2048, n: 2048 },
    { m: 64, k: 4096, n: 64 },
    { m: 2048, k: 32, n: 2048 },
  ].map((shape) => ({ ...shape, set: "skinny" })),
  ...[{ m: 127, k: 131, n: 137 }, { m: 257, k: 263, n: 269 }, ODD].map((shape) => ({
    ...shape,
    set: "odd",
  })),
  { ...EVEN, set: "even neighbour of the odd" },
  ...layers.map((shape) => ({ ...shape, set: "unequal error protection" })),
  { m: 50, k: 50, n: 50, set: "learning-based AICC" },
  { m: 400, k: 400, n: 400, set: "learning-based AICC" },
  // A task of the locally random alloy's error experiment, 1000 times the partition; and one of its
  // timing experiment, 9600×9600 in 4×4 blocks over the whole inner dimension.
  { m: 1000, k: 1000, n: 1000, set: "locally random alloy" },
  { m: 2400, k: 2400, n: 2400, set: "locally random alloy" },
  // What MatDot's tasks look like: 2048×2048 in three parts of the inner dimension.
  { m: 2048, k: 683, n: 2048, set: "ε-approximate MatDot" },
  // Two 512×512 blocks of a locality-based code with four by four blocks of 2048×2048.
  { m: 512, k: 512, n: 512, set: "compression-informed" },
];

/**
 * The shapes of a run, the least work first. `maxFlops` bounds one product's work, `maxBytes` one
 * matrix; a quick run has few shapes.
 */
export function sweepShapes(limits: {
  readonly quick: boolean;
  readonly maxFlops: number;
  readonly maxBytes: number;
}): SweepShape[] {
  const quickSet = new Set(["odd", "even neighbour of the odd"]);
  const wanted = [
    ...squares.map((s) => ({ m: s, k: s, n: s, set: "square", host: true })),
    ...others
      .filter(({ set }) => !limits.quick || quickSet.has(set))
      .map((shape) => ({ ...shape, host: false })),
  ];
  const seen = new Set<string>();
  return wanted
    .filter((shape) => !seen.has(shapeName(shape)) && seen.add(shapeName(shape)))
    .filter((shape) => flopsOf(shape) <= limits.maxFlops && largestBytes(shape) <= limits.maxBytes)
    .sort((p, q) => flopsOf(p) - flopsOf(q));
}

/** "509×1021×257", m×k×n. */
export function shapeName({ m, k, n }: Shape): string {
  return `${m}×${k}×${n}`;
}

export function flopsOf({ m, k, n }: Shape): number {
  return 2 * m * k * n;
}

function largestBytes({ m, k, n }: Shape): number {
  return 4 * Math.max(m * k, k * n, m * n);
}
