/**
 * Remembers the results of a pure function of a set of task indices. At every arrival a race asks
 * whether the set decodes and then, once, how: both come from one solution.
 */
export function memoizeBySet<T>(
  compute: (received: ReadonlySet<number>) => T,
  capacity = 64,
): (received: ReadonlySet<number>) => T {
  const known = new Map<string, T>();
  return (received) => {
    const key = [...received].sort((s, t) => s - t).join();
    const found = known.get(key);
    if (found !== undefined) return found;
    const result = compute(received);
    if (known.size >= capacity) known.delete(known.keys().next().value!);
    known.set(key, result);
    return result;
  };
}
