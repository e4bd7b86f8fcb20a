#!/usr/bin/env node
/** @file The edges of the process: arguments, signals, exit code. Everything else is in program.ts. */

import { readFileSync } from "node:fs";

import { createEngine } from "../index.ts";
import { listAdapters } from "../kernels/index.ts";
import type { CliContext } from "./context.ts";
import { EXIT, type ExitCode, InterruptedError } from "./exit-codes.ts";
import { reportError, runCli } from "./program.ts";

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    const reason = new InterruptedError(name);
    // Asked twice: whatever cleaning up waits for, the user does not.
    if (stop.signal.aborted) process.exit(reason.exitCode);
    stop.abort(reason);
  });
}
const { version } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { version: string };

const context: CliContext = {
  version,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stop.signal,
  library: { createEngine, listAdapters },
};
process.on("uncaughtException", (error) => {
  reportError(error, context);
  process.exit(EXIT.unexpected);
});
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", () => {}); // `exit` hears of it, and must be the one to end the process
}

exit(await runCli(process.argv.slice(2), context));

/** Ends the process when all text is written, whatever threads or drivers are still at. */
function exit(exitCode: ExitCode): void {
  process.stdout.write("", (error: NodeJS.ErrnoException | null | undefined) => {
    // A reader that has seen enough, such as `head`, closes the pipe: no failure of ours.
    const closed = error?.code === "EPIPE" || error?.code === "ERR_STREAM_DESTROYED";
    const lost = error && !closed;
    if (lost) reportError(error, context);
    process.stderr.write("", () => process.exit(lost ? EXIT.unexpected : exitCode));
  });
}
