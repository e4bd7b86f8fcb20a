import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { CliContext } from "../../src/cli/context.ts";
import { InterruptedError } from "../../src/cli/exit-codes.ts";
import { readNpyFile, writeNpyFile } from "../../src/cli/npy-file.ts";
import { createEngine, matrix, NoDeviceError } from "../../src/index.ts";
import { captured, runInProcess } from "../support/cli.ts";

/** Small integers, so that float32 computes A·B exactly and only the code's own rounding is left. */
const a = matrix(
  6,
  4,
  Float32Array.from({ length: 24 }, (_, i) => (i % 7) - 3),
);
const b = matrix(
  4,
  5,
  Float32Array.from({ length: 20 }, (_, i) => (i % 5) - 2),
);
const library: CliContext["library"] = { createEngine, listAdapters: async () => [] };
let folder = "";
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anyk-cli-"));
  await writeNpyFile(at("A.npy"), a);
  await writeNpyFile(at("B.npy"), b);
});
afterAll(() => rm(folder, { recursive: true }));

function multiply(args: string, context: Partial<CliContext> = {}) {
  const words = args.split(" ").filter((word) => word !== "");
  const common = ["multiply", at("A.npy"), at("B.npy"), "--device", "cpu"];
  return runInProcess([...common, ...words], { library, ...context });
}

/** C by plain sums. */
function exactProduct(): number[] {
  return Array.from({ length: 30 }, (_, at) => {
    const [row, col] = [Math.floor(at / 5), at % 5];
    return [0, 1, 2, 3].reduce((sum, i) => sum + a.data[row * 4 + i]! * b.data[i * 5 + col]!, 0);
  });
}

describe("anyk multiply", () => {
  test("writes C and prints how it came about, though a worker is silent", async () => {
    const code = "--code replication:m=2,copies=2 --workers 4 --straggle silent:workers=1";
    const { exitCode, stdout, stderr } = await multiply(`${code} -o ${at("C.npy")}`);
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect([...(await readNpyFile(at("C.npy"))).matrix.data]).toEqual(exactProduct());
    expect(stdout).toContain("6×4 times 4×5 by replication(m=2, k=1, n=1, copies=2) on 4 workers");
    expect(stdout).toContain("▲");
    expect(stdout).toContain("never have ended");
    expect(stdout).toContain("task 1 (cpu-1)");
    expect(stdout).toContain("C.npy: 6×5 float32");
    expect(stdout).not.toContain("\u001b");
  });

  test("prints one JSON value and nothing else with --json", async () => {
    const { exitCode, stdout, stderr } = await multiply(
      "--code uncoded:m=2 --workers 2 --straggle constant:delay=1ms --seed 5 --json",
    );
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout)).toMatchObject({
      anyk: "1.2.3",
      a: { rows: 6, cols: 4, dtype: "float32" },
      c: { file: null, rows: 6, cols: 5 },
      code: { tasks: 2, recoveryThreshold: 2 },
      workers: ["cpu-0", "cpu-1"],
      device: { kind: "cpu" },
      seed: 5,
      complete: true,
      waitForAll: { kind: "measured" },
      stragglers: [],
      failures: [],
      unsent: [],
      timeline: [
        { task: 0, outcome: "used" },
        { task: 1, outcome: "used" },
      ],
    });
  });

  test("chooses a code where none is named", async () => {
    const { exitCode, stdout } = await multiply("--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).code.name).toEqual(expect.any(String));
  });

  test("uses no wrong product with --verify", async () => {
    // A worker that fails three times in a row gets no more tasks, and there are two to spare.
    const { exitCode, stdout } = await multiply(
      `--code replication:m=2,copies=5 --workers 2 --straggle wrong:workers=0 --verify --json -o ${at("V.npy")}`,
    );
    expect(exitCode).toBe(0);
    const { used, timeline } = JSON.parse(stdout);
    const users = timeline.filter(({ task }: { task: number }) => used.includes(task));
    expect(users.map(({ worker }: { worker: string }) => worker)).toEqual(["cpu-1", "cpu-1"]);
    expect([...(await readNpyFile(at("V.npy"))).matrix.data]).toEqual(exactProduct());
  });

  test("exits with 5 and the best C so far at a deadline", async () => {
    const { exitCode, stdout } = await multiply(
      `--code uncoded:m=2 --workers 2 --straggle silent:workers=1 --deadline 1s -o ${at("D.npy")} --json`,
    );
    expect(exitCode).toBe(5);
    const { complete, used } = JSON.parse(stdout);
    expect(complete).toBe(false);
    const { matrix: c } = await readNpyFile(at("D.npy"));
    // On a machine that is busy enough, the other worker is not in time either.
    const zeros = Array<number>(15).fill(0);
    expect([...c.data.subarray(0, 15)]).toEqual(
      used.length > 0 ? exactProduct().slice(0, 15) : zeros,
    );
    expect([...c.data.subarray(15)]).toEqual(zeros);
  });

  test("exits with 3 and the timeline when C cannot be decoded, and writes nothing", async () => {
    const args = "--code uncoded:m=2 --workers 2 --straggle dies:after=0ms,workers=0";
    const { exitCode, stdout, stderr } = await multiply(`${args} -o ${at("E.npy")}`);
    expect(exitCode).toBe(3);
    expect(stdout).toContain("! failed");
    expect(stderr).toMatch(/^anyk: cannot decode [^\n]+\n$/);
    expect(await readdir(folder)).not.toContain("E.npy");
    const json = JSON.parse((await multiply(`${args} --json`)).stdout);
    expect(json.undecodable).toMatchObject({ code: "ERR_UNDECODABLE", received: [1] });
    expect(json.failures).toMatchObject([{ task: 0, reason: expect.stringContaining("died") }]);
    expect(json.timeline).toHaveLength(2);
  });

  test("exits with 4 when there is no such device", async () => {
    const without = {
      ...library,
      createEngine: () => Promise.reject(new NoDeviceError('no device for "gpu"')),
    };
    expect(await multiply("", { library: without })).toEqual({
      exitCode: 4,
      stdout: "",
      stderr: 'anyk: no device for "gpu"\n',
    });
  });

  test("checks where C goes before it computes", async () => {
    const engineless = { ...library, createEngine: () => Promise.reject(new Error("too late")) };
    const { exitCode, stderr } = await multiply(`-o ${at("nowhere/C.npy")}`, {
      library: engineless,
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("nowhere/C.npy: cannot be written: no such file or folder");
  });

  test("names the workers there are when --straggle names others", async () => {
    const { exitCode, stderr } = await multiply("--straggle silent:workers=9999");
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^anyk: --straggle silent:workers=9999: workers must be from 0 to \d+, got 9999\n$/,
    );
  });

  test("ends with the signal's code, and no file, when told to stop", async () => {
    const stop = new AbortController();
    const args = `--code uncoded:m=2 --workers 2 --straggle silent -o ${at("F.npy")}`;
    const before = await readdir(folder);
    const createAndStop: typeof createEngine = async (options) => {
      const engine = await createEngine(options);
      return {
        ...engine,
        multiply: (x, y, more) => {
          const product = engine.multiply(x, y, more);
          stop.abort(new InterruptedError("SIGINT"));
          return product;
        },
      };
    };
    const outcome = await multiply(args, {
      signal: stop.signal,
      library: { ...library, createEngine: createAndStop },
    });
    expect(outcome).toEqual({ exitCode: 130, stdout: "", stderr: "anyk: interrupted\n" });
    expect(await readdir(folder)).toEqual(before);
  });
});

describe("on a terminal", () => {
  test("colours the timeline, and wipes the progress line", async () => {
    const stdout = captured({ columns: 70 });
    const stderr = captured({ columns: 70 });
    const args = "--code uncoded:m=2 --workers 2";
    expect(await multiply(args, { stdout, stderr })).toMatchObject({ exitCode: 0 });
    expect(stdout.text()).toContain("\u001b[");
    for (const line of stripVTControlCharacters(stdout.text()).split("\n")) {
      expect(line.length).toBeLessThanOrEqual(70);
    }
    expect(stderr.text()).toContain("reading");
    expect(stderr.text().endsWith("\r\u001b[2K")).toBe(true);
  });

  test("does neither when NO_COLOR or a dumb terminal forbid it", async () => {
    const stdout = captured({ columns: 70 });
    const stderr = captured({ columns: 70 });
    await multiply("--code uncoded:m=2 --workers 2", { stdout, stderr, env: { NO_COLOR: "1" } });
    expect(stdout.text()).not.toContain("\u001b[");
    const dumb = captured({ columns: 70 });
    await multiply("", { stdout: dumb, stderr: dumb, env: { TERM: "dumb" } });
    expect(dumb.text()).not.toContain("\u001b[");
  });
});

describe("operands that cannot be multiplied", () => {
  test("are refused by the names of their files", async () => {
    const args = ["multiply", at("B.npy"), at("A.npy"), "--device", "cpu"];
    const { exitCode, stderr } = await runInProcess(args, { library });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      `the columns of ${at("B.npy")} must be as many as the rows of ${at("A.npy")}`,
    );
    expect(stderr).toContain("got 4×5 times 6×4");
  });

  test("may hold NaN only when that is allowed", async () => {
    await writeNpyFile(at("nan.npy"), matrix(4, 1, Float32Array.of(1, 2, Number.NaN, 4)));
    const args = ["multiply", at("A.npy"), at("nan.npy"), "--device", "cpu"];
    const refused = await runInProcess(args, { library });
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain(
      "nan.npy: row 2, column 0: expected a finite value, found NaN",
    );
    const allowed = await runInProcess([...args, "--allow-non-finite"], { library });
    expect(allowed.exitCode).toBe(0);
    expect(allowed.stdout).toContain("not all values are finite");
  });

  test("are refused when they are no .npy files", async () => {
    await writeFile(at("A.csv"), "1,2,3\n");
    const args = ["multiply", at("A.csv"), at("B.npy")];
    const { exitCode, stderr } = await runInProcess(args, { library });
    expect(exitCode).toBe(2);
    expect(stderr).toContain("A.csv: byte 0: expected the npy magic");
  });
});
