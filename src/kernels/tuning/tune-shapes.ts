import type { GemmShape } from "../gemm/gemm-family.ts";

const cube = (side: number): GemmShape => ({ m: side, k: side, n: side });

/** What is tuned on a GPU unless the caller says what: minutes at most, on a slow one. */
const HARDWARE: readonly GemmShape[] = [
  ...[256, 512, 1024, 2048, 4096].map(cube),
  { m: 1024, k: 256, n: 1024 },
  { m: 256, k: 1024, n: 256 },
  { m: 2048, k: 512, n: 2048 },
  { m: 512, k: 2048, n: 512 },
  { m: 4096, k: 1024, n: 4096 },
  { m: 1024, k: 4096, n: 1024 },
  { m: 4096, k: 4096, n: 1024 },
  { m: 1024, k: 4096, n: 4096 },
  { m: 64, k: 16384, n: 64 },
  { m: 1, k: 4096, n: 4096 },
  { m: 4096, k: 4096, n: 1 },
  // Rows that do not begin at vectors.
  cube(1023),
  cube(2047),
];

/** On a device that computes on the CPU a product takes as long as a whole search on a GPU. */
const SOFTWARE: readonly GemmShape[] = [
  ...[128, 256, 512].map(cube),
  { m: 512, k: 128, n: 512 },
  { m: 128, k: 512, n: 128 },
  { m: 1, k: 512, n: 512 },
  { m: 512, k: 512, n: 1 },
  cube(255),
];

/** Shapes that stand for what is multiplied most, small ones first. */
export function defaultShapes(software: boolean): readonly GemmShape[] {
  const size = ({ m, k, n }: GemmShape) => m * k * n;
  return [...(software ? SOFTWARE : HARDWARE)].sort((x, y) => size(x) - size(y));
}
