import type { TaskEvent } from "../index.ts";

/** One worker's go at one task, as far as it went. Times are ms after the call of `multiply`. */
export interface Attempt {
  readonly task: number;
  readonly worker: string;
  readonly sentMs: number;
  /** When the work itself began, after any wait; undefined when it did not, or nobody said. */
  readonly startedMs?: number;
  readonly endedMs?: number;
  /** "unused": finished, but C was made without it. "running": nothing more was heard. */
  readonly outcome: "used" | "unused" | "failed" | "aborted" | "running";
  /** Aborted attempts: when it would have ended; `Infinity` for never, undefined if unknown. */
  readonly expectedEndMs?: number;
}

/** How long it would have taken to have every product. */
export interface WaitForAll {
  /** `Infinity` when some worker never answers. */
  readonly ms: number;
  /**
   * "measured": every task ended. "estimated": from the injected delays. "at least": tasks were
   * aborted or not begun of which nobody knows how long they would have taken.
   */
  readonly kind: "measured" | "estimated" | "at least";
}

/**
 * The delay that was injected into a task of a worker before its work: 0 for none, `Infinity` for a
 * worker that never answers, undefined when it is not known.
 */
export type DelayOf = (task: number, worker: string) => number | undefined;

/** Puts the events of a multiplication together, by task and, within a task, by time. */
export function attemptsOf(run: {
  readonly timeline: readonly TaskEvent[];
  readonly used: readonly number[];
  readonly delayOf: DelayOf;
}): Attempt[] {
  const used = new Set(run.used);
  const open = new Map<string, Attempt>();
  const closed: Attempt[] = [];
  for (const { task, worker, kind, atMs } of run.timeline) {
    const key = JSON.stringify([task, worker]);
    const attempt = open.get(key) ?? { task, worker, sentMs: atMs, outcome: "running" };
    if (kind === "sent" || kind === "started") {
      open.set(key, kind === "started" ? { ...attempt, startedMs: atMs } : attempt);
    } else {
      open.delete(key);
      const finished = used.has(task) ? "used" : "unused";
      closed.push({ ...attempt, endedMs: atMs, outcome: kind === "finished" ? finished : kind });
    }
  }
  const workMs = typicalWorkMs(closed, run.delayOf);
  return [...closed, ...open.values()]
    .map((attempt) => withExpectation(attempt, workMs, run.delayOf))
    .sort((x, y) => x.task - y.task || x.sentMs - y.sentMs);
}

/** When the last of `tasks` tasks would have ended, had nobody been aborted. */
export function waitForAll(attempts: readonly Attempt[], tasks: number): WaitForAll {
  let ms = 0;
  let known = new Set(attempts.map(({ task }) => task)).size >= tasks;
  let measured = true;
  for (const { endedMs = 0, expectedEndMs, outcome } of attempts) {
    ms = Math.max(ms, endedMs, expectedEndMs ?? 0);
    if (outcome !== "aborted" && outcome !== "running") continue;
    measured = false;
    if (expectedEndMs === undefined) known = false;
  }
  if (ms === Number.POSITIVE_INFINITY) return { ms, kind: "estimated" };
  return { ms, kind: !known ? "at least" : measured ? "measured" : "estimated" };
}

/** What a task takes apart from injected delays: the median of those that finished. */
function typicalWorkMs(attempts: readonly Attempt[], delayOf: DelayOf): number | undefined {
  const works = attempts.flatMap(({ task, worker, sentMs, endedMs, outcome }) => {
    const delayMs = delayOf(task, worker);
    const finished = outcome === "used" || outcome === "unused";
    if (!finished || endedMs === undefined || delayMs === undefined) return [];
    return [Math.max(0, endedMs - sentMs - delayMs)];
  });
  return works.sort((x, y) => x - y)[works.length >> 1];
}

function withExpectation(attempt: Attempt, workMs: number | undefined, delayOf: DelayOf): Attempt {
  if (attempt.outcome !== "aborted") return attempt;
  const delayMs = delayOf(attempt.task, attempt.worker);
  // Where nothing was injected, the worker was slow for reasons of its own.
  if (delayMs === undefined || delayMs === 0) return attempt;
  if (delayMs === Number.POSITIVE_INFINITY) return { ...attempt, expectedEndMs: delayMs };
  if (workMs === undefined) return attempt;
  const expectedEndMs = attempt.sentMs + delayMs + workMs;
  // Overdue already: slow for reasons of its own here too.
  return expectedEndMs > (attempt.endedMs ?? 0) ? { ...attempt, expectedEndMs } : attempt;
}
