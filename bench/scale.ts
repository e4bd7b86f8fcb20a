import type { BenchDevices } from "./devices.ts";
import type { Shape } from "./record.ts";
import { EVEN, ODD } from "./shapes.ts";

/** How much of each suite is run: a full run takes about a quarter of an hour, a quick one a few minutes. */
export interface Scale {
  readonly shapes: { readonly maxFlops: number; readonly maxBytes: number };
  readonly gemm: { readonly maxRunSeconds: number; readonly budgetMs: number };
  readonly tuning: {
    readonly shapes: readonly Shape[];
    readonly maxRunSeconds: number;
    readonly budgetMs: number;
  };
  readonly odd: { readonly budgetMs: number };
  readonly combine: { readonly sides: readonly number[]; readonly budgetMs: number };
  readonly coded: { readonly sizes: readonly number[]; readonly rounds: number };
}

/** Software adapters make a few GFLOP/s, GPUs a thousand times as many. */
export function scaleOf({ device, adapter }: BenchDevices, quick: boolean): Scale {
  const { software } = adapter;
  const maxBytes = Math.min(device.limits.maxBufferSize, 2 ** 30);
  const square = (side: number): Shape => ({ m: side, k: side, n: side });
  return {
    shapes: {
      maxBytes,
      maxFlops: software ? (quick ? 2.8e8 : 2.8e10) : quick ? 2e10 : 2e12,
    },
    gemm: { maxRunSeconds: quick ? 1.2 : 3, budgetMs: quick ? 1000 : 2000 },
    tuning: {
      shapes: quick
        ? [square(256), ODD]
        : [
            ...(software ? [64, 256, 512] : [64, 256, 512, 1024, 4096]).map(square),
            { m: 1, k: 1024, n: 1024 },
            { m: 1024, k: 1024, n: 1 },
            { m: 16, k: 2048, n: 2048 },
            { m: 64, k: 4096, n: 64 },
            { m: 64, k: 784, n: 100 },
            ODD,
            EVEN,
          ],
      maxRunSeconds: 2,
      budgetMs: quick ? 1000 : 2500,
    },
    odd: { budgetMs: quick ? 2000 : 6000 },
    combine: { sides: quick || software ? [1024] : [1024, 4096], budgetMs: quick ? 1000 : 3000 },
    coded: software
      ? { sizes: quick ? [512] : [512, 2048], rounds: 2 }
      : { sizes: quick ? [2048] : [2048, 8192], rounds: 5 },
  };
}
