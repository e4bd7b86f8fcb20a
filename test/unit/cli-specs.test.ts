import { describe, expect, test } from "vitest";

import { CODES, parseCodeSpec } from "../../src/cli/code-spec.ts";
import { MAX_DURATION_MS, parseDuration } from "../../src/cli/duration.ts";
import { parseStragglerSpec, STRAGGLERS } from "../../src/cli/straggler-spec.ts";
import { faulty, InputError } from "../../src/index.ts";

/** The message of the InputError that `act` throws: one line. */
function inputError(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).not.toContain("\n");
    return (error as Error).message;
  }
  throw new Error("expected an InputError");
}

describe("parseDuration", () => {
  test.each([
    ["200ms", 200],
    ["1.5s", 1500],
    [".5s", 500],
    ["2m", 120_000],
    ["0ms", 0],
  ])("reads %s as %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(["200", "", "ms", "-1s", "1e3ms", "1 s", "1h", "1.s", "Infinityms"])(
    "refuses %j",
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  test("refuses what Node's timers cannot wait for: they would fire at once", () => {
    expect(parseDuration(`${MAX_DURATION_MS}ms`)).toBe(MAX_DURATION_MS);
    expect(parseDuration(`${MAX_DURATION_MS + 1}ms`)).toBeUndefined();
  });
});

describe("parseCodeSpec", () => {
  test.each([
    ["uncoded:m=2,k=1,n=2", undefined, { m: 2, k: 1, n: 2 }, 4],
    ["uncoded", undefined, { m: 1, k: 1, n: 1 }, 1],
    ["uncoded:m=2,n=2", 4, { m: 2, k: 1, n: 2 }, 4],
    ["replication:m=3,copies=2", undefined, { m: 3, k: 1, n: 1 }, 6],
    ["polynomial:m=2,n=2,tasks=6,points=chebyshev", undefined, { m: 2, k: 1, n: 2 }, 6],
    ["polynomial:m=2,n=2", 6, { m: 2, k: 1, n: 2 }, 6],
    ["matdot:parts=3", 6, { m: 1, k: 3, n: 1 }, 6],
    ["matdot:parts=3,tasks=6", 6, { m: 1, k: 3, n: 1 }, 6],
    ["matdot:parts=2,tasks=3,points=-1+0+.5", undefined, { m: 1, k: 2, n: 1 }, 3],
  ])("builds %s with --tasks %s", (text, tasks, partition, expected) => {
    const code = parseCodeSpec(text, tasks);
    expect(code.partition).toEqual(partition);
    expect(code.tasks).toBe(expected);
  });

  test.each<[string, number | undefined, string]>([
    [
      "reed",
      undefined,
      '--code must be one of uncoded, replication, polynomial, matdot, got "reed"',
    ],
    ["", undefined, 'matdot, got ""'],
    ["matdot:part=3", 6, '--code matdot takes parts, tasks, points, got "part=3"'],
    ["matdot", 6, "--code matdot needs parts, as in matdot:parts=…,tasks=…[,points=…]"],
    [
      "matdot:parts=3",
      undefined,
      "--code matdot needs tasks (or --tasks), as in matdot:parts=…,tasks=…",
    ],
    ["matdot:", 6, '--code must be name:key=value,key=value, got "matdot:"'],
    ["matdot:parts", 6, '--code must be name:key=value,key=value, got "matdot:parts"'],
    ["matdot:parts=", 6, "must be name:key=value,key=value"],
    ["matdot:parts=3,parts=4", 6, "--code must give parts once"],
    [
      "matdot:parts=three",
      6,
      '--code matdot: parts must be a whole number of at least 1, got "three"',
    ],
    ["matdot:parts=0", 6, 'parts must be a whole number of at least 1, got "0"'],
    ["matdot:parts=1.5", 6, 'got "1.5"'],
    ["matdot:parts=3", 4, "--code matdot: tasks must be"],
    ["matdot:parts=3,tasks=5", 6, "--tasks must agree with --code matdot:parts=3,tasks=5, got 6"],
    ["uncoded:m=2", 6, "--tasks must be 2 for --code uncoded:m=2, got 6"],
    [
      "matdot:parts=2,points=roots",
      6,
      "--code matdot: points must be integers, equispaced, chebyshev",
    ],
    ["matdot:parts=2,points=1+1+2", 3, "--code matdot: points must be 3 distinct finite numbers"],
    ["matdot:parts=2,points=unit-circle", 3, "--code matdot: points must be real"],
    ["uncoded:constructor=1", undefined, "--code uncoded takes m, k, n"],
  ])("refuses %s with --tasks %s", (text, tasks, message) => {
    expect(inputError(() => parseCodeSpec(text, tasks))).toContain(message);
  });

  test("offers each code once, with a form that names it", () => {
    expect(new Set(CODES.map(({ name }) => name)).size).toBe(CODES.length);
    for (const { name, form } of CODES) expect(form.startsWith(name)).toBe(true);
  });
});

describe("parseStragglerSpec", () => {
  test.each([
    ["exponential:mean=200ms", { kind: "exponential", meanMs: 200, seed: 7 }],
    [
      "shifted-exponential:shift=50ms,mean=200ms",
      { kind: "shifted-exponential", shiftMs: 50, meanMs: 200, seed: 7 },
    ],
    ["pareto:scale=100ms,shape=1.5", { kind: "pareto", scaleMs: 100, shape: 1.5, seed: 7 }],
    ["constant:delay=2s", { kind: "constant", delayMs: 2000 }],
    ["dies:after=300ms", { kind: "dies", afterMs: 300 }],
    ["silent", { kind: "silent" }],
    ["wrong", { kind: "wrong", probability: 1, seed: 7 }],
    ["wrong:probability=0.5", { kind: "wrong", probability: 0.5, seed: 7 }],
  ])("reads %s", (text, model) => {
    const parsed = parseStragglerSpec(text);
    expect(parsed).toMatchObject({ text, workers: undefined });
    expect(parsed.model(7)).toEqual(model);
  });

  test.each([
    ["4-5", [4, 5]],
    ["0+3", [0, 3]],
    ["2", [2]],
    ["3+0-1+1", [0, 1, 3]],
  ])("reads workers=%s", (text, workers) => {
    expect(parseStragglerSpec(`silent:workers=${text}`).workers).toEqual(workers);
    expect(parseStragglerSpec(`constant:delay=1s,workers=${text}`).workers).toEqual(workers);
  });

  test.each([
    [
      "slow",
      "--straggle must be one of exponential, shifted-exponential, pareto, constant, dies, silent, wrong",
    ],
    ["exponential", "--straggle exponential needs mean, as in exponential:mean=…[,workers=…]"],
    ["exponential:mean=200", "--straggle exponential: mean must be a duration with its unit"],
    ["exponential:mean=0ms", "above 0"],
    ["exponential:meanMs=3", "--straggle exponential takes mean, workers, got"],
    ["constant:delay=-1s", 'got "-1s"'],
    ["pareto:scale=1s,shape=0", '--straggle pareto: shape must be a number above 0, got "0"'],
    ["wrong:probability=1.5", "probability must be a number from 0 to 1"],
    [
      "silent:workers=5-4",
      '--straggle silent: workers must be numbers of workers, such as 4-5 or 0+3, got "5-4"',
    ],
    ["silent:workers=a", 'got "a"'],
    ["silent:after=1s", "--straggle silent takes workers, got"],
  ])("refuses %s", (text, message) => {
    expect(inputError(() => parseStragglerSpec(text))).toContain(message);
  });

  test("makes only models that the library takes", () => {
    const worker = {
      id: "w",
      kind: "test",
      multiply: () => Promise.reject(new Error("unused")),
      [Symbol.asyncDispose]: async () => {},
    };
    const values = {
      mean: "1ms",
      shift: "0ms",
      scale: "1ms",
      shape: "2",
      delay: "0ms",
      after: "0ms",
    };
    for (const { name, form, build } of STRAGGLERS) {
      const given = Object.entries(values).filter(([key]) => form.includes(`${key}=…`));
      expect(() => faulty(worker, build(new Map(given)).model(0)), name).not.toThrow();
    }
  });
});
