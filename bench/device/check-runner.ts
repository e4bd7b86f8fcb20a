import { DeviceLimitError } from "../../src/core/errors.ts";
import type { GroupResult } from "./record.ts";

export interface CheckCase {
  readonly name: string;
  /** The largest error as a part of its bound: at most 1 where all is well, never NaN. */
  worst(): Promise<number>;
}

export interface CheckGroup {
  readonly name: string;
  readonly cases: readonly CheckCase[];
}

/** Runs all cases of a group for which there is time, whatever becomes of them. */
export async function runGroup(
  { name, cases }: CheckGroup,
  clock: { now(): number; readonly deadlineMs: number },
): Promise<GroupResult> {
  const beganMs = clock.now();
  const failures: { name: string; problem: string }[] = [];
  let [passed, beyondDevice, skipped, worst] = [0, 0, 0, 0];
  for (const each of cases) {
    if (clock.now() >= clock.deadlineMs) {
      skipped++;
      continue;
    }
    try {
      const error = await each.worst();
      if (error <= 1) {
        passed++;
        worst = Math.max(worst, error);
      } else {
        failures.push({ name: each.name, problem: `${error} times its bound` });
      }
    } catch (error) {
      if (error instanceof DeviceLimitError) beyondDevice++;
      else failures.push({ name: each.name, problem: messageOf(error) });
    }
  }
  return { name, passed, beyondDevice, skipped, worst, failures, ms: clock.now() - beganMs };
}

/** A line about a group, and one about each of its failures. */
export function groupLines(result: GroupResult): string {
  const { name, passed, beyondDevice, skipped, worst, failures, ms } = result;
  const counts = [
    `${passed} passed`,
    ...(failures.length > 0 ? [`${failures.length} FAILED`] : []),
    ...(beyondDevice > 0 ? [`${beyondDevice} beyond this device`] : []),
    ...(skipped > 0 ? [`${skipped} skipped for want of time`] : []),
  ];
  const verdict = failures.length > 0 ? "FAIL" : passed > 0 ? "ok  " : "--  ";
  const error = worst > 0 ? `largest error ${worst.toPrecision(2)} of its bound, ` : "";
  const figures = `${error}${(ms / 1000).toFixed(1)} s`;
  return [
    `${verdict} ${name}: ${counts.join(", ")}; ${figures}`,
    ...failures.map((failure) => `       ${failure.name}: ${failure.problem}`),
  ].join("\n");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.split("\n").slice(0, 4).join(" | ") : String(error);
}
