import type { createEngine } from "../index.ts";
import type { listAdapters } from "../kernels/index.ts";

/** A stream that text is written to. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Columns of the terminal. */
  readonly columns?: number;
}

/** Everything a command touches of the world outside, so that tests can stand in for it. */
export interface CliContext {
  readonly version: string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the process is told to stop. */
  readonly signal: AbortSignal;
  readonly library: {
    readonly createEngine: typeof createEngine;
    readonly listAdapters: typeof listAdapters;
  };
}

/** How lines for people are printed on standard output. */
export function lineOptions({ stdout, env }: Pick<CliContext, "stdout" | "env">): {
  width: number;
  colour: boolean;
} {
  const terminal = stdout.isTTY === true && env.TERM !== "dumb";
  return {
    // A terminal may say 0 when it does not know. Bars get no clearer beyond 160 columns.
    width: Math.min(stdout.columns || 80, 160),
    colour: terminal && !env.NO_COLOR,
  };
}

/** Prints lines. */
export function printLines(output: Output, lines: readonly string[]): void {
  output.write(`${lines.join("\n")}\n`);
}
