import { spawnSync } from "node:child_process";
import os from "node:os";
import type { MachineRecord } from "./record.ts";

export function describeMachine(): MachineRecord {
  const [cpu] = os.cpus();
  return {
    cpu: cpu?.model.trim() ?? "unknown",
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    os: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
  };
}

/** The commit, with a plus where files differ from it. */
export function describeCommit(): string {
  const git = (...args: string[]) => {
    const { status, stdout } = spawnSync("git", args, { encoding: "utf8" });
    return status === 0 ? stdout.trim() : undefined;
  };
  const commit = git("rev-parse", "--short=12", "HEAD");
  if (commit === undefined) return "unknown";
  return git("status", "--porcelain") ? `${commit}+` : commit;
}
