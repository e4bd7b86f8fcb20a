import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { systemClock } from "../../src/runtime/clock.ts";
import { linkedAbort, orAborted } from "../../src/runtime/signals.ts";

const listeners = (signal: AbortSignal) => getEventListeners(signal, "abort").length;

test("a linked controller aborts with its source's reason and leaves no listener behind", () => {
  const source = new AbortController();
  {
    using linked = linkedAbort(source.signal, undefined);
    expect(listeners(source.signal)).toBe(1);
    source.abort("why");
    expect(linked.signal.reason).toBe("why");
  }
  expect(listeners(source.signal)).toBe(0);
  using late = linkedAbort(source.signal);
  expect(late.signal.reason).toBe("why");
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
