import type { GemmCandidate } from "./tuning.ts";

/** Slices of k are no part of a family's grid: any number will do, and doubling is a step. */
const SPLITS = "splits";

/** The longest sum on tensor cores: larger is faster and less exact, and tuning trades no exactness away. */
const LONGEST_SUM = "CHUNK";

/**
 * The configurations one step away from a candidate in its family's grid: one parameter takes the next
 * larger or the next smaller of its values. Larger ones come first: start points err towards what every
 * device can run.
 *
 * @param parameters the grid: all values of each parameter.
 * @param splits how many slices the planner cuts k into for this candidate; 0 where that is not to be varied.
 */
export function neighbours(
  { family, config }: GemmCandidate,
  parameters: Readonly<Record<string, readonly number[]>>,
  splits = 0,
): readonly GemmCandidate[] {
  const larger: GemmCandidate[] = [];
  const smaller: GemmCandidate[] = [];
  const add = (list: GemmCandidate[], name: string, value: number | undefined) => {
    if (value !== undefined) list.push({ family, config: { ...config, [name]: value } });
  };
  for (const [name, values] of Object.entries(parameters)) {
    const current = config[name];
    if (current === undefined || name === SPLITS) continue;
    const scale = [...values].sort((x, y) => x - y);
    if (name !== LONGEST_SUM) {
      add(
        larger,
        name,
        scale.find((value) => value > current),
      );
    }
    add(
      smaller,
      name,
      scale.findLast((value) => value < current),
    );
  }
  const slices = config[SPLITS] ?? splits;
  if (slices > 0) add(larger, SPLITS, slices * 2);
  if (slices > 1) add(smaller, SPLITS, slices / 2 > 1 ? Math.ceil(slices / 2) : 1);
  return [...larger, ...smaller];
}
