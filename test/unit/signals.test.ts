import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { linkedAbort, orAborted } from "../../src/runtime/signals.ts";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

test("a linked controller aborts with its source's reason and leaves no listener behind", () => {
  const source = new AbortController();
  {
    using linked = linkedAbort(source.signal);
    using other = linkedAbort(source.signal);
    expect(listeners(source.signal)).toBe(1);
    source.abort("why");
    expect([linked.signal.reason, other.signal.reason]).toEqual(["why", "why"]);
  }
  expect(listeners(source.signal)).toBe(0);
  using late = linkedAbort(source.signal);
  expect(late.signal.reason).toBe("why");
});

test("any number of linked controllers put one listener on their source, until the last is gone", () => {
  const { signal } = new AbortController();
  const linked = Array.from({ length: 20 }, () => linkedAbort(signal));
  expect(listeners(signal)).toBe(1);
  for (const each of linked.slice(1)) each[Symbol.dispose]();
  expect(listeners(signal)).toBe(1);
  linked[0]![Symbol.dispose]();
  linked[0]![Symbol.dispose]();
  expect(listeners(signal)).toBe(0);
});

test("orAborted settles with whichever comes first and leaves no listener behind", async () => {
  const { signal } = new AbortController();
  expect(await orAborted(Promise.resolve(7), signal)).toBe(7);
  await expect(orAborted(Promise.reject(new Error("no")), signal)).rejects.toThrow("no");
  expect(listeners(signal)).toBe(0);

  const aborting = new AbortController();
  const forever = orAborted(new Promise(() => {}), aborting.signal);
  aborting.abort("enough");
  await expect(forever).rejects.toBe("enough");
  // A promise that fails later than the abort is nobody's unhandled rejection.
  await expect(orAborted(Promise.reject(new Error("late")), aborting.signal)).rejects.toBe(
    "enough",
  );
});

test("a sleep ends early with the signal's reason and leaves no listener behind", async () => {
  const aborting = new AbortController();
  const sleep = systemClock.sleep(1e12, aborting.signal); // longer than any timer can count
  aborting.abort("up");
  await expect(sleep).rejects.toBe("up");
  await expect(systemClock.sleep(0, aborting.signal)).rejects.toBe("up");
  const { signal } = new AbortController();
  await systemClock.sleep(1, signal);
  expect(listeners(signal)).toBe(0);
});
