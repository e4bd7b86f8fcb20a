import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));

/**
 * Installs `bench/node_modules` where it is missing or older than its lockfile.
 *
 * @returns why the peers cannot be had, or undefined when they are there.
 */
export function ensurePeers(): string | undefined {
  const installed = path.join(folder, "node_modules/.package-lock.json");
  const lockfile = path.join(folder, "package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lockfile).mtimeMs) return;
  process.stderr.write("Installing the peers (npm ci in bench/; 650 MB, some minutes) …\n");
  const { status, error } = spawnSync("npm", ["ci", "--loglevel=error"], {
    cwd: folder,
    // npm's report belongs on stderr here.
    stdio: ["ignore", 2, 2],
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" },
    shell: process.platform === "win32",
  });
  if (status === 0) return;
  return `npm ci in bench/ failed: ${error?.message ?? `exit status ${status}`}`;
}

/** The version of an installed peer. */
export function peerVersion(name: string): string {
  const manifest = path.join(folder, "node_modules", name, "package.json");
  try {
    return String(JSON.parse(readFileSync(manifest, "utf8")).version);
  } catch {
    return "unknown";
  }
}
