import { Command, CommanderError } from "commander";

import { AnykError, InputError } from "../index.ts";
import { codesCommand } from "./codes-command.ts";
import type { CliContext } from "./context.ts";
import { devicesCommand } from "./devices-command.ts";
import { EXIT, EXIT_HELP, type ExitCode, exitCodeOf, InterruptedError } from "./exit-codes.ts";
import { multiplyCommand } from "./multiply-command.ts";
import type { RawMultiplyOptions } from "./multiply-options.ts";
import { tuneCommand } from "./tune-command.ts";
import type { RawTuneOptions } from "./tune-options.ts";

/**
 * Runs the command line. Never throws: what goes wrong is one line on standard error and an exit code.
 *
 * @param args what follows the name of the program.
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args.length > 0 ? args : ["--help"], { from: "user" });
    return exitCode;
  } catch (error) {
    // Help and version come as errors too, with exit code 0.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    const cause = error instanceof CommanderError ? usageError(error, program, args) : error;
    const reason: unknown = context.signal.aborted ? context.signal.reason : cause;
    reportError(reason, context);
    return exitCodeOf(reason);
  }
}

/** Prints an error as one line; with ANYK_DEBUG=1 its stack. */
export function reportError(
  error: unknown,
  { stderr, env }: Pick<CliContext, "stderr" | "env">,
): void {
  const message = error instanceof Error ? error.message : String(error);
  const known = error instanceof AnykError || error instanceof InterruptedError;
  const text = known ? message : `unexpected error: ${message} (ANYK_DEBUG=1 shows where)`;
  stderr.write(`anyk: ${oneLine(text)}\n`);
  if (env.ANYK_DEBUG && error instanceof Error) stderr.write(`${error.stack}\n`);
}

function createProgram(context: CliContext, onExitCode: (code: ExitCode) => void): Command {
  const { stdout, stderr, version } = context;
  const program = new Command("anyk")
    .description("Matrix products on workers that may be slow, dead or wrong.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      outputError: () => {}, // `runCli` prints every error, in one form
      getOutHelpWidth: () => stdout.columns || 80,
      getErrHelpWidth: () => stderr.columns || 80,
    })
    .addHelpText("after", `\n${EXIT_HELP}`);

  addMultiply(program, context, onExitCode);
  program
    .command("devices")
    .description("list what this machine can multiply on")
    .option("--json", "print JSON")
    .action((options: { json?: boolean }) => devicesCommand(options, context));
  program
    .command("codes")
    .description("list the codes and straggler models, with their parameters")
    .action(() => codesCommand(context));
  addTune(program, context, onExitCode);
  return program;
}

const MULTIPLY_HELP = `
Examples:
  anyk multiply A.npy B.npy -o C.npy
  anyk multiply A.npy B.npy -o C.npy --code matdot:parts=3 --tasks 6 --workers 6 \\
      --straggle exponential:mean=200ms --seed 1
  anyk multiply A.npy B.npy --code replication:m=3,copies=2 --workers 6 \\
      --straggle constant:delay=2s,workers=4-5 --straggle wrong:workers=0 --verify --json

Files are NumPy's .npy: two dimensions of float32, float64, int32 or uint8. The
arithmetic is float32. "anyk codes" lists what --code and --straggle take.
Durations carry a unit: 200ms, 1.5s, 2m. In JSON, numbers that are not finite are
the strings "Infinity", "-Infinity" and "NaN".

${EXIT_HELP}`;

function addMultiply(
  program: Command,
  context: CliContext,
  onExitCode: (code: ExitCode) => void,
): void {
  program
    .command("multiply")
    .description("C = A·B of two .npy files, without waiting for stragglers")
    .argument("<A.npy>", "left operand")
    .argument("<B.npy>", "right operand")
    .option("-o, --output <file>", "write C here; an existing file is replaced")
    .option("--dtype <type>", "element type of that file: float32 or float64 (default: float32)")
    .option("--code <spec>", "code, as name:key=value,key=value (default: chosen to fit)")
    .option("--tasks <n>", "how many coded tasks the code makes")
    .option("--workers <n>", "how many workers share the devices (default: chosen to fit)")
    .option("--device <kind>", "auto, gpu, software or cpu (default: auto)")
    .option("--straggle <spec>", "make workers misbehave; repeatable", collect)
    .option("--seed <n>", "seed of the misbehaviour (default: random, and printed)")
    .option("--deadline <time>", "at this time the best C so far is the answer")
    .option("--tolerance <x>", "stop as soon as the error is at most x·‖A‖·‖B‖ for certain")
    .option("--verify", "check every product; a wrong one does not count")
    .option("--allow-non-finite", "let NaN and infinities in the operands through")
    .option("--timeline <file.svg>", "write the timeline here as a picture")
    .option("--json", "print JSON instead of the timeline and the report")
    .addHelpText("after", MULTIPLY_HELP)
    .action(async (a: string, b: string, options: RawMultiplyOptions) => {
      onExitCode(await multiplyCommand({ a, b }, options, context));
    });
}

const TUNE_HELP = `
Measures which kernels multiply fastest on a device, checks that each multiplies
right, and keeps the choices for later runs: in ANYK_CACHE_DIR where that is set,
else in the user's cache folder. With ANYK_TUNING=off they are not used.
Interrupted, it keeps what is finished. Nothing else should be busy meanwhile.

With --experimental the device also has what Dawn keeps back as not yet conforming:
tensor cores, which f32-split needs, and f16 on NVIDIA. Choices are kept by the
features of the device: what is found so serves only devices that are opened so,
by openDevice({ experimental: true }).

Examples:
  anyk tune
  anyk tune --shapes 4096x1024x4096,1x4096x4096 --precision f32,f16 --budget 5m
  anyk tune --experimental --precision f16,f32-split

${EXIT_HELP}`;

function addTune(
  program: Command,
  context: CliContext,
  onExitCode: (code: ExitCode) => void,
): void {
  program
    .command("tune")
    .description("find the fastest kernels of a device, for later runs")
    .option("--device <kind>", "auto, gpu or software (default: auto)")
    .option("--shapes <list>", "products m×k×n to tune for (default: the most usual)")
    .option("--precision <list>", "f32, f16, f32-split or several of them (default: f32)")
    .option("--budget <time>", "begin no measurement after this time (default: 2m)")
    .option("--experimental", "use what Dawn keeps back, such as tensor cores")
    .option("--dry-run", "keep nothing")
    .option("--json", "print JSON, with every measurement")
    .addHelpText("after", TUNE_HELP)
    .action(async (options: RawTuneOptions) => {
      onExitCode(await tuneCommand(options, context));
    });
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** commander's message in our form, and where to look. */
function usageError(error: CommanderError, program: Command, args: readonly string[]): InputError {
  const command = program.commands.find((candidate) => candidate.name() === args[0]);
  const help = [program.name(), ...(command ? [command.name()] : []), "--help"].join(" ");
  const message = oneLine(error.message).replace(/^error: /, "");
  return new InputError(`${message} (see ${help})`, { cause: error });
}

/** Names of files may hold line breaks; a message is one line all the same. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, " ").trim();
}
