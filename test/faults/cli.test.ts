import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { readNpyFile, writeNpyFile } from "../../src/cli/npy-file.ts";
import { matrix } from "../../src/index.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
let folder = "";
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "anyk-process-"));
  await writeNpyFile(at("A.npy"), matrix(2, 2, Float32Array.of(1, 2, 3, 4)));
  await writeNpyFile(at("B.npy"), matrix(2, 1, Float32Array.of(5, 6)));
});
afterAll(() => rm(folder, { recursive: true }));

function start(args: readonly string[], nodeOptions: readonly string[] = []) {
  return spawn(process.execPath, ["--import", "tsx", ...nodeOptions, "src/cli/main.ts", ...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1" },
  });
}

/** Waits for the end, and for `onText` on the way. */
async function end(
  child: ChildProcessWithoutNullStreams,
  onStderr: (text: string) => void = () => {},
): Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    onStderr(stderr);
  });
  return new Promise((resolve) => {
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

const multiply = () => ["multiply", at("A.npy"), at("B.npy"), "--device", "cpu"];

describe("the process", () => {
  test("multiplies, writes C and ends with 0", async () => {
    const args = ["--code", "matdot:parts=2", "--tasks", "4", "--workers", "4", "-o", at("C.npy")];
    const { code, stdout, stderr } = await end(start([...multiply(), ...args]));
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("C decodable after");
    const { matrix: c } = await readNpyFile(at("C.npy"));
    expect([c.rows, c.cols]).toEqual([2, 1]);
    expect(c.data[0]).toBeCloseTo(17, 3);
    expect(c.data[1]).toBeCloseTo(39, 3);
  });

  test("ends with 2 and one line for bad input", async () => {
    const { code, stdout, stderr } = await end(start([...multiply(), "--tasks", "many"]));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe('anyk: --tasks must be a whole number of at least 1, got "many"\n');
  });

  test("ends with 130 and no file when interrupted in the middle", async () => {
    const before = await readdir(folder);
    const args = [
      "--code",
      "uncoded:m=2",
      "--workers",
      "2",
      "--straggle",
      "silent",
      "-o",
      at("D.npy"),
    ];
    // As on a terminal, so that progress tells when the race is on.
    const asTerminal = ["--import", "data:text/javascript,process.stderr.isTTY=true"];
    const child = start([...multiply(), ...args], asTerminal);
    let interrupted = false;
    const { code, stdout, stderr } = await end(child, (text) => {
      if (interrupted || !text.includes("0 of 2 products")) return;
      interrupted = true;
      child.kill("SIGINT");
    });
    expect([code, stdout]).toEqual([130, ""]);
    expect(stderr.endsWith("\r\u001b[2Kanyk: interrupted\n")).toBe(true);
    expect(await readdir(folder)).toEqual(before);
  });

  test("says nothing when nobody reads its output any more", async () => {
    const child = start(["codes"]);
    child.stdout.destroy();
    const { code, stderr } = await end(child);
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("knows its version", async () => {
    const { code, stdout } = await end(start(["--version"]));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
