import {
  describeDevice,
  deviceKey,
  openDevice,
  openTuningCache,
  type TuneProgress,
  tuneGemm,
} from "../kernels/index.ts";
import { type CliContext, lineOptions, printLines } from "./context.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { createProgressLine } from "./progress.ts";
import { parseTuneOptions, type RawTuneOptions, type TuneCommandOptions } from "./tune-options.ts";
import { renderTuning, type TuneRun, tuneJson, tuneProgressText } from "./tune-report.ts";

/** What the command needs of the library, so that tests can stand in for a device. */
export interface TuneLibrary {
  readonly openDevice: typeof openDevice;
  readonly describeDevice: typeof describeDevice;
  readonly deviceKey: typeof deviceKey;
  readonly tuneGemm: typeof tuneGemm;
  readonly openTuningCache: typeof openTuningCache;
}

const LIBRARY: TuneLibrary = { openDevice, describeDevice, deviceKey, tuneGemm, openTuningCache };

/**
 * `anyk tune`: finds the fastest kernels of a device and keeps them, each as soon as it is found, so that
 * an interrupted run keeps what it has.
 *
 * @throws {InputError} for an option that breaks its rule, or where nothing can be kept; whatever
 *   `openDevice` and `tuneGemm` throw.
 */
export async function tuneCommand(
  raw: RawTuneOptions,
  context: CliContext,
  library: TuneLibrary = LIBRARY,
): Promise<ExitCode> {
  const options = parseTuneOptions(raw);
  const run = await tune(options, context, library);
  const lines = options.json
    ? [JSON.stringify(tuneJson(run, context.version), null, 2)]
    : renderTuning(run, lineOptions(context));
  printLines(context.stdout, lines);
  return run.result.buckets.length > 0 ? EXIT.ok : EXIT.input;
}

async function tune(
  options: TuneCommandOptions,
  context: CliContext,
  library: TuneLibrary,
): Promise<TuneRun> {
  const { signal, stderr } = context;
  const { device: wanted, dryRun, shapes, precisions, budgetMs } = options;
  using progress = createProgressLine(context);
  progress.show("opening the device");
  const device = await library.openDevice({ device: wanted, signal });
  let unusable: string | undefined;
  const cache = await library.openTuningCache({
    onUnusable: (reason) => {
      unusable ??= reason;
    },
  });
  const key = library.deviceKey(device);

  const cannotKeep = new AbortController();
  let keeping: Promise<string | undefined> = Promise.resolve(undefined);
  let done = 0;
  const onProgress = (event: TuneProgress) => {
    const text = tuneProgressText(event);
    if (text !== undefined) progress.show(text);
    if (event.kind !== "tuned") return;
    done++;
    if (dryRun) return;
    const { bucket, best } = event.result;
    const choices = { [bucket]: { family: best.family, config: best.config } };
    keeping = keeping.then(() => cache.save(key, { choices }));
    keeping.catch((error: unknown) => cannotKeep.abort(error));
  };
  try {
    const result = await library.tuneGemm(device, {
      precisions,
      signal: AbortSignal.any([signal, cannotKeep.signal]),
      onProgress,
      ...(shapes && { shapes }),
      ...(budgetMs !== undefined && { budgetMs }),
    });
    const keptIn = await keeping;
    return { device: library.describeDevice(device), result, keptIn, dryRun, unusable };
  } catch (error) {
    const keptIn = await keeping;
    if (keptIn !== undefined) {
      progress[Symbol.dispose]();
      const products = `${done} product${done === 1 ? " was" : "s were"}`;
      stderr.write(`anyk: ${products} tuned before that and kept in ${keptIn}\n`);
    }
    throw error;
  } finally {
    device.destroy();
  }
}
