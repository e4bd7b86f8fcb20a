import type { BlockCombination, Code, Partition } from "../core/code.ts";
import { bilinearCode, requireTasks } from "./bilinear.ts";

/**
 * A bilinear code of which a theorem says that any `recoveryThreshold` products decode. The theorem is
 * about exact numbers: whether a set at or above the threshold decodes to within the tolerance in
 * float64 is for the universal decoder to say, and where it does not, more products may help. Below a
 * sharp threshold nothing decodes and nothing is solved; where it is not sharp, some smaller sets may.
 */
export function thresholdCode(options: {
  readonly name: string;
  readonly partition: Partition;
  readonly a: BlockCombination;
  readonly b: BlockCombination;
  readonly recoveryThreshold: number;
  /** True when no set of fewer products decodes. */
  readonly sharp: boolean;
}): Code {
  const { recoveryThreshold, sharp, ...tables } = options;
  const code = bilinearCode(tables);
  return {
    name: code.name,
    partition: code.partition,
    tasks: code.tasks,
    recoveryThreshold,
    tolerance: code.tolerance,
    encodePlan: code.encodePlan,
    canDecode(received) {
      const short = requireTasks(received, code.tasks).size < recoveryThreshold;
      return !(short && sharp) && code.canDecode(received);
    },
    decodePlan: code.decodePlan,
  };
}
