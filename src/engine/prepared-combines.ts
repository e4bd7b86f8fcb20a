import { type PreparedCombine, prepareCombine } from "../kernels/combine/combine.ts";
import type { CombinePlan } from "../kernels/combine/combine-plan.ts";

/** Compiled combinations that are kept for the next job of the same shape. */
const MOST_PREPARED = 16;

/** Compiled combinations of one device. */
export interface PreparedCombines extends Disposable {
  /** One for the plan's size of table and layout of blocks; its table may be another's. */
  get(plan: CombinePlan): Promise<PreparedCombine>;
}

/** Keeps compiled combinations by size of table and layout of blocks; the one used longest ago goes first. */
export function preparedCombines(device: GPUDevice): PreparedCombines {
  const known = new Map<string, Promise<PreparedCombine>>();
  const drop = (key: string) => {
    const unused = known.get(key);
    known.delete(key);
    unused?.then(
      (combine) => combine[Symbol.dispose](),
      () => {}, // it was never made
    );
  };
  return {
    get(plan) {
      const { table, block, inputs, outputs, grids } = plan;
      const key = JSON.stringify([table.rows, table.cols, block, inputs, outputs, grids]);
      const found = known.get(key) ?? prepareCombine(device, plan);
      known.delete(key);
      known.set(key, found);
      found.catch(() => known.delete(key)); // the next call tries again
      if (known.size > MOST_PREPARED) drop(known.keys().next().value!);
      return found;
    },
    [Symbol.dispose]() {
      for (const key of [...known.keys()]) drop(key);
    },
  };
}
