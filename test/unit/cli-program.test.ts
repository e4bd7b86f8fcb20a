import { describe, expect, test } from "vitest";

import { CODES } from "../../src/cli/code-spec.ts";
import type { CliContext } from "../../src/cli/context.ts";
import { EXIT, exitCodeOf, InterruptedError } from "../../src/cli/exit-codes.ts";
import { STRAGGLERS } from "../../src/cli/straggler-spec.ts";
import {
  CodeParameterError,
  DeviceLimitError,
  InputError,
  NoDeviceError,
  ShapeError,
  UndecodableError,
} from "../../src/index.ts";
import { type CliOutcome, runInProcess } from "../support/cli.ts";

const untouched: CliContext["library"] = {
  createEngine: () => Promise.reject(new Error("no engine is needed here")),
  listAdapters: () => Promise.reject(new Error("no adapter is needed here")),
};
const run = (...args: string[]): Promise<CliOutcome> => runInProcess(args, { library: untouched });

describe("anyk", () => {
  test("prints help to standard output, with commands and exit codes", async () => {
    for (const args of [["--help"], ["-h"], ["help"], []]) {
      const { exitCode, stdout, stderr } = await run(...args);
      expect([exitCode, stderr]).toEqual([0, ""]);
      for (const word of ["multiply", "devices", "codes", "Exit codes:"]) {
        expect(stdout).toContain(word);
      }
      for (const code of Object.values(EXIT)) expect(stdout).toContain(String(code));
    }
  });

  test("prints help of multiply with examples that are spelled right", async () => {
    const { exitCode, stdout } = await run("multiply", "--help");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("anyk multiply A.npy B.npy -o C.npy --code matdot:parts=3 --tasks 6");
    const examples = stdout.slice(stdout.indexOf("Examples:"), stdout.indexOf("Files are"));
    for (const command of examples.replaceAll("\\\n", " ").match(/multiply A\.npy.*/g) ?? []) {
      const { exitCode: code, stderr } = await run(...command.trim().split(/\s+/));
      expect([code, stderr]).toEqual([2, "anyk: A.npy: cannot be read: no such file or folder\n"]);
    }
  });

  test("prints the version", async () => {
    expect(await run("--version")).toEqual({ exitCode: 0, stdout: "1.2.3\n", stderr: "" });
  });

  test.each([
    [["frob"], "anyk: unknown command 'frob' (see anyk --help)\n"],
    [["multipy"], "anyk: unknown command 'multipy' (Did you mean multiply?) (see anyk --help)\n"],
    [["multiply"], "anyk: missing required argument 'A.npy' (see anyk multiply --help)\n"],
    [["multiply", "a", "b", "c"], "anyk: too many arguments for 'multiply'."],
    [
      ["multiply", "a", "b", "--fast"],
      "anyk: unknown option '--fast' (see anyk multiply --help)\n",
    ],
    [["multiply", "a", "b", "-o"], "anyk: option '-o, --output <file>' argument missing"],
    [
      ["multiply", "a", "b", "--device", "tpu"],
      "anyk: --device must be auto, gpu, software or cpu",
    ],
    [["multiply", "no\nsuch\u001b[31m.npy", "b"], "anyk: no such [31m.npy: cannot be read"],
  ])("refuses %j in one line on standard error", async (args, message) => {
    const { exitCode, stdout, stderr } = await run(...args);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr.indexOf("\n")).toBe(stderr.length - 1);
  });

  test("lists codes and straggler models, one in a line", async () => {
    const { exitCode, stdout } = await run("codes");
    expect(exitCode).toBe(0);
    const lines = stdout.split("\n");
    for (const { form, threshold } of CODES) {
      expect(
        lines.filter((line) => line.startsWith(`${form} `) && line.includes(threshold)),
      ).toHaveLength(1);
    }
    for (const { form } of STRAGGLERS) {
      expect(lines.filter((line) => line.startsWith(`${form} `))).toHaveLength(1);
    }
  });
});

describe("an error of our own making", () => {
  test("is called unexpected, and shows its stack only when asked", async () => {
    const library = {
      ...untouched,
      listAdapters: () => Promise.reject(new TypeError("x is not y")),
    };
    const plain = await runInProcess(["devices"], { library });
    expect(plain).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: "anyk: unexpected error: x is not y (ANYK_DEBUG=1 shows where)\n",
    });
    const debugged = await runInProcess(["devices"], { library, env: { ANYK_DEBUG: "1" } });
    expect(debugged.stderr).toContain("TypeError: x is not y\n    at ");
  });
});

describe("exitCodeOf", () => {
  test.each([
    [new InputError("x"), 2],
    [new ShapeError("x"), 2],
    [new CodeParameterError("x"), 2],
    [new UndecodableError({ codeName: "c", received: [], recoveryThreshold: 1, failures: [] }), 3],
    [new NoDeviceError("x"), 4],
    [new DeviceLimitError("x"), 2],
    [new InterruptedError("SIGINT"), 130],
    [new InterruptedError("SIGTERM"), 143],
    [new Error("x"), 1],
    ["x", 1],
  ])("of %s is %d", (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });
});
