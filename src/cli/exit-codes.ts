import { AnykError } from "../index.ts";

/** What the exit code of the command says. */
export const EXIT = {
  ok: 0,
  unexpected: 1,
  input: 2,
  undecodable: 3,
  device: 4,
  incomplete: 5,
  wrong: 6,
  interrupted: 130,
  terminated: 143,
} as const;

/** One of `EXIT`. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The same for people, as --help prints it. */
export const EXIT_HELP: string = [
  "Exit codes:",
  "  0    done",
  "  1    unexpected error (a bug: please report it; ANYK_DEBUG=1 prints the stack)",
  "  2    bad usage or bad input: an option, a file, shapes that do not fit together or in memory",
  "  3    undecodable: too many tasks failed to make C",
  "  4    no device of the kind asked for, or it was lost",
  "  5    the deadline came first: C is written, with a large error, and not complete",
  "  6    C is written but wrong: a worker returned wrong numbers, and --verify was not set",
  "  130  interrupted (SIGINT); 143 terminated (SIGTERM); no file was half written",
].join("\n");

/** What a multiplication is aborted with when the process is told to stop. */
export class InterruptedError extends Error {
  readonly exitCode: ExitCode;

  constructor(signal: "SIGINT" | "SIGTERM") {
    super(signal === "SIGINT" ? "interrupted" : "terminated");
    this.exitCode = signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  }
}

const BY_ERROR_CODE: Readonly<Record<string, ExitCode>> = {
  ERR_INPUT: EXIT.input,
  ERR_SHAPE: EXIT.input,
  ERR_CODE_PARAMETER: EXIT.input,
  ERR_UNDECODABLE: EXIT.undecodable,
  ERR_NO_DEVICE: EXIT.device,
  ERR_DEVICE_LIMIT: EXIT.input,
  ERR_DEVICE_LOST: EXIT.device,
};

/** The exit code of a command that failed with `error`. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof InterruptedError) return error.exitCode;
  if (error instanceof AnykError) return BY_ERROR_CODE[error.code] ?? EXIT.unexpected;
  return EXIT.unexpected;
}
