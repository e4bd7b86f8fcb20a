import {
  describeDevice,
  deviceKey,
  type GemmTuning,
  openDevice,
  openTuningCache,
  type SkippedBucket,
  type TunedBucket,
  type TuningCache,
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
  const { device: wanted, experimental, dryRun, shapes, precisions, budgetMs } = options;
  using progress = createProgressLine(context);
  progress.show("opening the device");
  const device = await library.openDevice({ device: wanted, experimental, signal });
  let keeper: Keeper | undefined;
  try {
    let unusable: string | undefined;
    const cache = await library.openTuningCache({
      onUnusable: (reason) => {
        unusable ??= reason;
      },
    });
    keeper = new Keeper(cache, library.deviceKey(device));
    const result = await library.tuneGemm(device, {
      precisions,
      signal: AbortSignal.any([signal, keeper.failed]),
      onProgress(event) {
        const text = tuneProgressText(event);
        if (text !== undefined) progress.show(text);
        if (event.kind === "tuned" && !dryRun) keeper?.keep(event.result);
      },
      ...(shapes && { shapes }),
      ...(budgetMs !== undefined && { budgetMs }),
    });
    const { place: keptIn } = await keeper.end();
    keeper.failed.throwIfAborted();
    return {
      device: library.describeDevice(device),
      result: { ...result, skipped: result.skipped.map((each) => inOurWords(each, experimental)) },
      keptIn,
      dryRun,
      experimental,
      unusable,
    };
  } catch (error) {
    const kept = await keeper?.end();
    if (kept?.place !== undefined) {
      progress[Symbol.dispose]();
      const products = `${kept.count} product${kept.count === 1 ? " was" : "s were"}`;
      stderr.write(`anyk: ${products} tuned before that and kept in ${kept.place}\n`);
    }
    throw error;
  } finally {
    device.destroy();
  }
}

/** Keeps one choice after the other, until one cannot be kept. */
class Keeper {
  readonly #cache: TuningCache;
  readonly #key: string;
  readonly #failed = new AbortController();
  #saving: Promise<void> = Promise.resolve();
  #kept: { readonly count: number; readonly place: string | undefined } = {
    count: 0,
    place: undefined,
  };

  constructor(cache: TuningCache, key: string) {
    this.#cache = cache;
    this.#key = key;
  }

  /** Aborts, with the reason, when a choice cannot be kept. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  keep({ bucket, best: { family, config } }: TunedBucket): void {
    this.#saving = this.#saving.then(() => this.#save({ [bucket]: { family, config } }));
  }

  /** How many choices are kept, and where, once nothing is being written any more. Never rejects. */
  async end(): Promise<{ readonly count: number; readonly place: string | undefined }> {
    await this.#saving;
    return this.#kept;
  }

  async #save(choices: GemmTuning["choices"]): Promise<void> {
    if (this.#failed.signal.aborted) return;
    try {
      const place = await this.#cache.save(this.#key, { choices });
      this.#kept = { count: this.#kept.count + 1, place };
    } catch (error) {
      this.#failed.abort(error);
    }
  }
}

/** The library names its own option where the device lacks what a flag of this command may give it. */
function inOurWords(skipped: SkippedBucket, experimental: boolean): SkippedBucket {
  const hint = /; openDevice\(\{ experimental: true \}\) may have it/;
  const ours = experimental ? ", even with --experimental" : "; with --experimental it may have it";
  return { ...skipped, reason: skipped.reason.replace(hint, ours) };
}
