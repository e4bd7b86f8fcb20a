import { describe, expect, test } from "vitest";

import { parseMultiplyOptions, type RawMultiplyOptions } from "../../src/cli/multiply-options.ts";
import { InputError } from "../../src/index.ts";

const parse = (raw: RawMultiplyOptions) => parseMultiplyOptions(raw, () => 0.5);

describe("parseMultiplyOptions", () => {
  test("fills what was not said", () => {
    expect(parse({})).toEqual({
      dtype: "float32",
      device: "auto",
      straggling: [],
      seed: 2 ** 30,
      verify: false,
      allowNonFinite: false,
      json: false,
    });
  });

  test("reads every option", () => {
    const options = parse({
      output: "C.npy",
      dtype: "float64",
      code: "matdot:parts=3",
      tasks: "6",
      workers: "6",
      device: "cpu",
      straggle: ["exponential:mean=200ms", "silent:workers=5"],
      seed: "1",
      deadline: "500ms",
      tolerance: "1e-3",
      verify: true,
      allowNonFinite: true,
      json: true,
    });
    expect(options).toMatchObject({
      output: "C.npy",
      dtype: "float64",
      code: { tasks: 6, recoveryThreshold: 5 },
      workers: 6,
      device: "cpu",
      straggling: [{ text: "exponential:mean=200ms" }, { workers: [5] }],
      seed: 1,
      deadlineMs: 500,
      tolerance: 1e-3,
      verify: true,
      allowNonFinite: true,
      json: true,
    });
  });

  test.each<[RawMultiplyOptions, string]>([
    [{ tasks: "0" }, '--tasks must be a whole number of at least 1, got "0"'],
    [{ tasks: "6" }, "--tasks needs --code"],
    [{ workers: "two" }, '--workers must be a whole number of at least 1, got "two"'],
    [{ device: "tpu" }, '--device must be auto, gpu, software or cpu, got "tpu"'],
    [{ dtype: "int8" }, '--dtype must be float32 or float64, got "int8"'],
    [{ seed: "-1" }, '--seed must be a whole number of at least 0, got "-1"'],
    [{ seed: "99999999999999999999" }, "--seed must be"],
    [{ deadline: "500" }, "--deadline must be a duration with its unit"],
    [{ deadline: "0ms" }, "--deadline must be a duration"],
    [{ tolerance: "0" }, '--tolerance must be a number above 0, got "0"'],
    [{ tolerance: "small" }, '--tolerance must be a number above 0, got "small"'],
    [
      { straggle: ["silent:workers=4-6"], workers: "6" },
      "--straggle silent:workers=4-6: workers must be from 0 to 5, got 6",
    ],
  ])("refuses %j with argument, rule and value", (raw, message) => {
    expect(() => parse(raw)).toThrow(InputError);
    expect(() => parse(raw)).toThrow(message);
  });
});
