import type { BlockCombination, Code, Partition } from "../core/code.ts";
import { bilinearCode, requireTasks } from "./bilinear.ts";

/**
 * A bilinear code of which a theorem says that any `recoveryThreshold` products decode. From there on
 * the theorem answers `canDecode`, however badly conditioned the set: the plan's `misfit` and
 * `amplification` show that. Below it nothing decodes where the threshold is sharp; where it is not,
 * the universal decoder answers, for some smaller sets may happen to decode.
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
      if (requireTasks(received, code.tasks).size >= recoveryThreshold) return true;
      return !sharp && code.canDecode(received);
    },
    decodePlan: code.decodePlan,
  };
}
