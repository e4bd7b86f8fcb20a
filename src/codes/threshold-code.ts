import type { BlockCombination, Code, Partition } from "../core/code.ts";
import { bilinearCode, requireTasks } from "./bilinear.ts";

/**
 * A bilinear code of which a theorem says that any `recoveryThreshold` products decode. From there on
 * the theorem answers `canDecode`, however badly conditioned the set: the plan's `misfit` and
 * `amplification` show that. Below it the universal decoder answers, for on points of the caller's some
 * smaller sets may happen to decode: two MatDot products at x and -x give every second coefficient.
 */
export function thresholdCode(options: {
  readonly name: string;
  readonly partition: Partition;
  readonly a: BlockCombination;
  readonly b: BlockCombination;
  readonly recoveryThreshold: number;
}): Code {
  const { recoveryThreshold, ...tables } = options;
  const code = bilinearCode(tables);
  return {
    name: code.name,
    partition: code.partition,
    tasks: code.tasks,
    recoveryThreshold,
    tolerance: code.tolerance,
    encodePlan: code.encodePlan,
    canDecode: (received) =>
      requireTasks(received, code.tasks).size >= recoveryThreshold || code.canDecode(received),
    decodePlan: code.decodePlan,
  };
}
