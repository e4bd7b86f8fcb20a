import { UndecodableError } from "../index.ts";
import { type CliContext, lineOptions, printLines } from "./context.ts";
import { type FailedRun, runEngine } from "./engine-run.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import {
  type MultiplyCommandOptions,
  parseMultiplyOptions,
  type RawMultiplyOptions,
} from "./multiply-options.ts";
import type { MultiplyRun } from "./multiply-run.ts";
import { writeNpyFile } from "./npy-file.ts";
import { readOperand, requireMultiplicable } from "./operands.ts";
import { checkOutputFile, requireOtherFile, writeOutputFile } from "./output-file.ts";
import { createProgressLine } from "./progress.ts";
import { renderReport, timelineOf, titleOf } from "./report.ts";
import { multiplyJson, undecodableJson } from "./report-json.ts";
import { renderTimeline } from "./timeline.ts";
import { renderTimelineSvg } from "./timeline-svg.ts";

/** The two arguments of `anyk multiply`. */
export interface OperandFiles {
  readonly a: string;
  readonly b: string;
}

/**
 * `anyk multiply A.npy B.npy`: reads, multiplies, writes, and only then prints what happened. Of a run
 * that was not decodable it prints the timeline, and throws.
 *
 * @throws {InputError} for an option or a file that breaks its rule; whatever `multiply` throws.
 */
export async function multiplyCommand(
  files: OperandFiles,
  raw: RawMultiplyOptions,
  context: CliContext,
): Promise<ExitCode> {
  const options = parseMultiplyOptions(raw, Math.random);
  const { stdout, version } = context;
  let failed: FailedRun | undefined;
  try {
    const run = await multiplyFiles(files, options, context, (undecodable) => {
      failed = undecodable;
    });
    const lines = options.json
      ? [JSON.stringify(multiplyJson(run, version), null, 2)]
      : renderReport(run, lineOptions(context));
    printLines(stdout, lines);
    if (!run.product.error.consistent) return EXIT.wrong;
    return run.product.complete ? EXIT.ok : EXIT.incomplete;
  } catch (error) {
    if (failed && error instanceof UndecodableError) {
      const lines = options.json
        ? [JSON.stringify(undecodableJson(error, failed, version), null, 2)]
        : renderTimeline(failed, lineOptions(context));
      printLines(stdout, lines);
    }
    throw error;
  }
}

async function multiplyFiles(
  files: OperandFiles,
  options: MultiplyCommandOptions,
  context: CliContext,
  onUndecodable: (run: FailedRun) => void,
): Promise<MultiplyRun> {
  const { signal } = context;
  const { output, timeline, dtype, allowNonFinite } = options;
  using progress = createProgressLine(context);
  for (const file of [output, timeline]) if (file !== undefined) await checkOutputFile(file);
  if (timeline !== undefined)
    await requireOtherFile("--timeline", timeline, [files.a, files.b, output]);
  progress.show(`reading ${files.a}`);
  const a = await readOperand(files.a, { allowNonFinite, signal });
  progress.show(`reading ${files.b}`);
  const b = await readOperand(files.b, { allowNonFinite, signal });
  requireMultiplicable(a.run, b.run);

  const operands = { a: a.matrix, b: b.matrix };
  const run = await runEngine(operands, options, context, {
    onOpening: () => progress.show("opening devices"),
    onProgress: (event) => progress.update(event),
    onUndecodable,
  });
  const done: MultiplyRun = {
    ...run,
    a: a.run,
    b: b.run,
    output: output === undefined ? undefined : { file: output, dtype },
  };
  if (output !== undefined) {
    progress.show(`writing ${output}`);
    await writeNpyFile(output, run.product.c, { dtype, signal });
  }
  if (timeline !== undefined) {
    const picture = renderTimelineSvg({ ...timelineOf(done), title: titleOf(done) });
    await writeOutputFile(timeline, [picture], signal);
  }
  return done;
}
