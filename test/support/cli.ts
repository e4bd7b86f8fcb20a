import type { CliContext } from "../../src/cli/context.ts";
import { runCli } from "../../src/cli/program.ts";

/** What a run of the command line left behind. */
export interface CliOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A terminal, or by default something that is none, that keeps what is written to it. */
export function captured(terminal?: { readonly columns: number }): CliContext["stdout"] & {
  readonly text: () => string;
} {
  let text = "";
  return {
    write(more) {
      text += more;
    },
    text: () => text,
    ...(terminal && { isTTY: true, columns: terminal.columns }),
  };
}

/** Runs the command line in this process, without a terminal unless the context says otherwise. */
export async function runInProcess(
  args: readonly string[],
  context: Partial<CliContext> & Pick<CliContext, "library">,
): Promise<CliOutcome> {
  const stdout = captured();
  const stderr = captured();
  const exitCode = await runCli(args, {
    version: "1.2.3",
    stdout,
    stderr,
    env: {},
    signal: new AbortController().signal,
    ...context,
  });
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}
