import type { GemmShape } from "../../src/kernels/index.ts";

export interface Scale {
  /** What products are measured, those that bars are about first: time may run out. */
  readonly shapes: readonly GemmShape[];
  readonly tuned: readonly GemmShape[];
  /** Side of the square blocks of `combine`. */
  readonly blockSide: number;
  /** Side of the coded product, a multiple of the parts it is cut into. */
  readonly codedSide: number;
  /** One sample is meant to take this long, in which a product is made many times. */
  readonly sampleMs: number;
  readonly samples: number;
}

const cube = (side: number): GemmShape => ({ m: side, k: side, n: side });

const SKINNY: readonly GemmShape[] = [
  { m: 4096, k: 128, n: 4096 },
  { m: 64, k: 16_384, n: 64 },
  { m: 8192, k: 8192, n: 64 },
  { m: 4096, k: 4096, n: 1 },
  { m: 4093, k: 4095, n: 4091 },
];

/** The sizes of a run. On a driver that computes on the CPU they only try whether all works. */
export function scaleOf(options: { readonly software: boolean; readonly quick: boolean }): Scale {
  if (options.software) {
    return {
      shapes: [cube(64), cube(96), { m: 64, k: 96, n: 1 }, { m: 61, k: 67, n: 59 }],
      tuned: [cube(64)],
      blockSide: 128,
      codedSide: 96,
      sampleMs: 10,
      samples: 3,
    };
  }
  return options.quick
    ? {
        shapes: [4096, 8192].map(cube),
        tuned: [4096].map(cube),
        blockSide: 4096,
        codedSide: 6144,
        sampleMs: 20,
        samples: 5,
      }
    : {
        shapes: [...[4096, 8192, 6144, 2048, 1024].map(cube), ...SKINNY],
        tuned: [1024, 2048, 4096, 8192].map(cube),
        blockSide: 4096,
        codedSide: 6144,
        sampleMs: 20,
        samples: 9,
      };
}

/** "4096×128×4096" */
export function shapeName({ m, k, n }: GemmShape): string {
  return `${m}×${k}×${n}`;
}
