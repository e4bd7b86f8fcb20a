import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { NoDeviceError } from "../../src/index.ts";
import { openDevice } from "../../src/kernels/index.ts";
import { describeGpu, testDeviceKind } from "../support/gpu.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** One for all, since a software driver is unpacked there, too; what a test keeps is removed. */
let cache = "";
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "anyk-tune-"));
});
afterEach(async () => {
  for (const name of await kept()) await rm(join(cache, name), { recursive: true });
});
afterAll(() => rm(cache, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], { asTerminal = false } = {}) {
  const terminal = ["--import", "data:text/javascript,process.stderr.isTTY=true"];
  return spawn(
    process.execPath,
    ["--import", "tsx", ...(asTerminal ? terminal : []), "src/cli/main.ts", "tune", ...args],
    {
      cwd: root,
      env: { ...process.env, NO_COLOR: "1", ANYK_CACHE_DIR: cache },
    },
  );
}

async function end(
  child: ChildProcessWithoutNullStreams,
  onStderr: (text: string) => void = () => {},
): Promise<Ended> {
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
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** The files of results, and what else is there but the unpacked driver. */
async function kept(): Promise<string[]> {
  return (await readdir(cache)).filter((name) => !name.startsWith("swiftshader"));
}

const device = ["--device", testDeviceKind];
const one = [...device, "--shapes", "16x16x16", "--budget", "200ms"];

describeGpu("the process of anyk tune", () => {
  test("tunes, keeps the choices in ANYK_CACHE_DIR and ends with 0", async () => {
    const { code, stdout } = await end(
      start([...device, "--shapes", "16x16x16,1x32x32", "--json"]),
    );
    expect(code).toBe(0);
    const { file, buckets } = JSON.parse(stdout) as { file: string; buckets: object[] };
    expect(buckets).toHaveLength(2);
    expect(await kept()).toEqual([file.slice(cache.length + 1)]);
    const { choices } = JSON.parse(await readFile(file, "utf8")) as { choices: object };
    expect(Object.keys(choices).sort()).toEqual(["f32 nn ABC 16x16x16", "f32 nn ABC 1x32x32"]);
  });

  test("keeps nothing in a dry run", async () => {
    const { code, stdout } = await end(start([...one, "--dry-run"]));
    expect(code).toBe(0);
    expect(stdout).toContain("16×16×16 f32");
    expect(await kept()).toEqual([]);
  });

  test("interrupted, ends with 130 and keeps what was finished, whole", async () => {
    const shapes = "16x16x16,1x32x32,16x32x64,64x32x16,32x32x32,128x128x128";
    const child = start([...device, "--shapes", shapes], { asTerminal: true });
    let interrupted = false;
    const { code, stdout, stderr } = await end(child, (text) => {
      if (interrupted || !text.includes("2 of 6")) return;
      interrupted = true;
      child.kill("SIGINT");
    });
    expect([code, stdout]).toEqual([130, ""]);
    expect(stderr).toMatch(/anyk: \d products? w(as|ere) tuned before that and kept in .*\.json\n/);
    expect(stderr.endsWith("anyk: interrupted\n")).toBe(true);
    const files = await kept();
    expect(files).toHaveLength(1);
    const { choices } = JSON.parse(await readFile(join(cache, files[0]!), "utf8")) as {
      choices: object;
    };
    expect(Object.keys(choices)).toContain("f32 nn ABC 16x16x16");
    expect(Object.keys(choices).length).toBeLessThan(6);
  });

  test("ends with 2 and one line where nothing can be kept", async () => {
    await end(start(one));
    const [name = ""] = await kept();
    await rm(join(cache, name));
    await mkdir(join(cache, name)); // in the way
    const { code, stdout, stderr } = await end(start(one));
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^anyk: results of tuning cannot be kept: EISDIR.*\n$/m);
    expect(await kept()).toEqual([name]);
  });
});

test("ends with 4 and one line without a GPU, where one was asked for", async () => {
  const gpu = await openDevice({ device: "gpu" }).catch((error: unknown) => error);
  if (!(gpu instanceof NoDeviceError)) return (gpu as GPUDevice).destroy();
  const { code, stdout, stderr } = await end(start(["--device", "gpu"]));
  expect([code, stdout]).toEqual([4, ""]);
  expect(stderr).toMatch(/^anyk: .*no GPU/m);
});
