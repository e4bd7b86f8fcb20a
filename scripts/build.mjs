// `npm run build`: ESM and types into dist/, one file a source file.
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
for (const command of [
  ["tsc", "-p", "tsconfig.build.json"],
  ["publint", "--strict"],
]) {
  const { status } = spawnSync("npx", ["--no-install", ...command], {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) process.exit(status ?? 1);
}
chmodSync("dist/cli/main.js", 0o755);
