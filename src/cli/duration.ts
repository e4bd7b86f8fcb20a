/** What `parseDuration` accepts, for messages. */
export const DURATION_RULE = "a duration with its unit (200ms, 1.5s, 2m), at most 24 days";

/** Node's timers count in 32 bits and fire at once beyond that: a little more than 24 days. */
export const MAX_DURATION_MS: number = 2 ** 31 - 1;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/**
 * "200ms", "1.5s" or "2m" in milliseconds; undefined for anything else, a number without its unit
 * and more than `MAX_DURATION_MS` included.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m)$/.exec(text);
  if (!match) return undefined;
  const ms = Number(match[1]) * UNIT_MS[match[2]!]!;
  return ms <= MAX_DURATION_MS ? ms : undefined;
}
