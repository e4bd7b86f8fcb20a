/**
 * The fewest products of which every choice decodes, by trying every pattern of losses from the
 * smallest up: exact when a pattern of losses is found that cannot be decoded. When `budget` trials
 * are used up first, the answer is the smallest number that was proven, which errs on the safe side.
 *
 * @returns Infinity when not even all products decode.
 */
export function provenRecoveryThreshold(
  tasks: number,
  canDecode: (received: ReadonlySet<number>) => boolean,
  budget: number,
): number {
  let trials = 0;
  for (let losses = 0; losses < tasks; losses++) {
    for (const lost of combinations(tasks, losses)) {
      if (++trials > budget) return tasks - losses + 1;
      const received = new Set<number>();
      for (let t = 0; t < tasks; t++) if (!lost.includes(t)) received.add(t);
      if (!canDecode(received)) {
        return losses === 0 ? Number.POSITIVE_INFINITY : tasks - losses + 1;
      }
    }
  }
  return 1;
}

/** Every choice of `size` of 0 … count-1, in lexicographic order. */
function* combinations(count: number, size: number): Generator<readonly number[]> {
  const choice = Array.from({ length: size }, (_, i) => i);
  while (true) {
    yield [...choice];
    let at = size - 1;
    while (at >= 0 && choice[at] === count - size + at) at--;
    if (at < 0) return;
    choice[at]!++;
    for (let next = at + 1; next < size; next++) choice[next] = choice[next - 1]! + 1;
  }
}
