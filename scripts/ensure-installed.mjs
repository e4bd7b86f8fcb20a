// Lets `npm start` and `npm test` work on a clone that has never seen `npm ci`: installs where
// node_modules is missing or older than the lockfile. Uses Node alone, as nothing else is there yet.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`anyk needs Node 20.19 or later; this is ${process.version}.`);
  process.exit(1);
}
const installed = "node_modules/.package-lock.json";
const stale =
  !existsSync(installed) || statSync(installed).mtimeMs < statSync("package-lock.json").mtimeMs;
if (stale) {
  console.log("Installing dependencies (npm ci) …");
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    stdio: "inherit",
    shell: process.platform === "win32",
    // Older npm does not know package.json's allowScripts: without this, onnxruntime-node would fetch
    // hundreds of megabytes for CUDA, which nothing here uses.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip" },
  });
  if (status !== 0) process.exit(status ?? 1);
}
