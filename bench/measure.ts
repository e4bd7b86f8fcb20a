import { seededRandom } from "../src/core/random.ts";

/** One side of a comparison. `sample` does the work once and returns how many seconds it counts as. */
export interface Sampled {
  readonly name: string;
  sample(): Promise<number>;
}

export interface Rounds {
  readonly least: number;
  readonly most: number;
  /** No further round begins after this long, once there are `least`. */
  readonly budgetMs: number;
  readonly signal: AbortSignal;
}

/** Threads of OpenBLAS and of drivers spin for a while after their last task. */
const REST_MS = 15;

/**
 * Samples all sides in turn, round after round, each round in another order and with a rest between two
 * sides: what disturbs the machine disturbs them alike, and none suffers from what the same other leaves
 * behind. A side that fails is left out from then on.
 *
 * @throws `signal.reason` between two samples.
 */
export async function interleave(
  sides: readonly Sampled[],
  { least, most, budgetMs, signal }: Rounds,
): Promise<Map<string, number[] | Error>> {
  const results = new Map<string, number[] | Error>(sides.map(({ name }) => [name, []]));
  const beganMs = performance.now();
  for (let round = 0; round < most; round++) {
    if (round >= least && performance.now() - beganMs > budgetMs) break;
    for (const side of shuffled(sides, round)) {
      const samples = results.get(side.name)!;
      if (samples instanceof Error) continue;
      await rest(REST_MS);
      signal.throwIfAborted();
      try {
        samples.push(await side.sample());
      } catch (error) {
        results.set(side.name, error instanceof Error ? error : new Error(String(error)));
      }
    }
  }
  return results;
}

/** The same in every run of as many sides: an order for each round. */
function shuffled<T>(sides: readonly T[], round: number): readonly T[] {
  const random = seededRandom("order", round);
  const order = [...sides];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Seconds that `work` takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}
