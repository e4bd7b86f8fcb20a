import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { DeviceWish } from "../devices.ts";
import type { Progress } from "../progress.ts";
import type { StartupRow } from "../record.ts";

export interface StartupSuiteOptions {
  readonly names: readonly string[];
  readonly device: DeviceWish;
  readonly size: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const LIMIT_MS = 60_000;
const child = fileURLToPath(new URL("../startup-child.ts", import.meta.url));

/** Time to the first product, each contender in processes of its own: the driver's cache empty, then filled. */
export async function runStartupSuite(options: StartupSuiteOptions): Promise<StartupRow[]> {
  const { names, size, progress, signal } = options;
  const rows: StartupRow[] = [];
  for (const contender of names) {
    const cache = mkdtempSync(path.join(tmpdir(), "anyk-shader-cache-"));
    try {
      for (const kind of ["cold", "warm"] as const) {
        signal.throwIfAborted();
        progress.step(`startup: ${contender}, ${kind} shader cache`);
        const times = await start(contender, cache, options).catch((error: Error) => ({
          failed: error.message,
        }));
        signal.throwIfAborted();
        rows.push({ contender, size, cache: kind, ...times });
      }
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
  }
  return rows;
}

async function start(
  contender: string,
  cache: string,
  { device, size, signal }: StartupSuiteOptions,
): Promise<Pick<StartupRow, "openMs" | "firstMs" | "secondMs">> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const args = ["--import", tsx, child, contender, device, String(size)];
  const started = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    // Where Mesa and NVIDIA keep compiled shaders. SwiftShader keeps none.
    env: { ...process.env, MESA_SHADER_CACHE_DIR: cache, __GL_SHADER_DISK_CACHE_PATH: cache },
    signal,
    timeout: LIMIT_MS,
  });
  let output = "";
  let complaint = "";
  started.stdout.on("data", (chunk) => (output += chunk));
  started.stderr.on("data", (chunk) => (complaint += chunk));
  const status = await new Promise<number | string | null>((resolve) => {
    started.on("error", (error) => resolve(error.message));
    started.on("close", (code, signalName) => resolve(code ?? signalName));
  });
  const line = output.split("\n").find((each) => each.startsWith('{"openMs"'));
  if (line) return JSON.parse(line);
  const reason = complaint.split("\n").find((each) => /error/i.test(each)) ?? "";
  throw new Error(`ended with ${status}: ${reason.trim()}`);
}
