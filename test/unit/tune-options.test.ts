import { describe, expect, test } from "vitest";

import { runCli } from "../../src/cli/program.ts";
import { parseTuneOptions } from "../../src/cli/tune-options.ts";
import { createEngine, InputError } from "../../src/index.ts";
import { captured } from "../support/cli.ts";

describe("the options of anyk tune", () => {
  test.each([
    [{ device: "cpu" }, '--device must be auto, gpu or software, got "cpu"'],
    [{ shapes: "512x512" }, '--shapes must be sizes m×k×n .*, got "512x512"'],
    [{ shapes: "0x1x1" }, "--shapes must be sizes"],
    [{ shapes: "1x1x1," }, '--shapes must be sizes .*, got ""'],
    [{ shapes: "99999999999x99999999999x1" }, "--shapes must be sizes"],
    [{ precision: "f64" }, '--precision must be f32, f16 or f32-split, got "f64"'],
    [{ budget: "60" }, "--budget must be a duration with its unit"],
    [{ budget: "0s" }, "--budget must be .* above 0"],
  ])("refuses %j", (raw, message) => {
    expect(() => parseTuneOptions(raw)).toThrow(InputError);
    expect(() => parseTuneOptions(raw)).toThrow(new RegExp(message));
  });

  test("are explained by --help", async () => {
    const stdout = captured();
    const context = {
      version: "1.2.3",
      stdout,
      stderr: captured(),
      env: {},
      signal: new AbortController().signal,
      library: { createEngine, listAdapters: async () => [] },
    };
    expect(await runCli(["tune", "--help"], context)).toBe(0);
    for (const text of [
      "--shapes <list>",
      "--dry-run",
      "ANYK_CACHE_DIR",
      "ANYK_TUNING=off",
      "--experimental ",
      "serves only devices that are opened so",
    ]) {
      expect(stdout.text()).toContain(text);
    }
  });
});
