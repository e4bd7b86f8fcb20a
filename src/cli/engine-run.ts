import type { TaskEvent } from "../index.ts";
import { type Engine, type Matrix, type ProgressEvent, UndecodableError } from "../index.ts";
import { type Attempt, attemptsOf, type DelayOf, waitForAll } from "./attempts.ts";
import type { CliContext } from "./context.ts";
import type { MultiplyCommandOptions } from "./multiply-options.ts";
import type { MultiplyRun } from "./multiply-run.ts";
import { straggle } from "./straggling-workers.ts";

/** What the engine tells of a run; files are not its business. */
export type EngineRun = Omit<MultiplyRun, "a" | "b" | "output">;

/** What can be drawn of a run that did not come to a product. */
export interface FailedRun {
  readonly attempts: readonly Attempt[];
  readonly unsent: readonly number[];
}

/** Who is told how a run goes on. */
export interface RunListener {
  onOpening(): void;
  onProgress(event: ProgressEvent): void;
  /** Called before an `UndecodableError` is thrown. */
  onUndecodable(run: FailedRun): void;
}

/**
 * Multiplies on workers that misbehave as the options ask. Devices are opened for this run and closed
 * after it, however it ends.
 */
export async function runEngine(
  operands: { readonly a: Matrix; readonly b: Matrix },
  options: MultiplyCommandOptions,
  { library, signal }: Pick<CliContext, "library" | "signal">,
  listener: RunListener,
): Promise<EngineRun> {
  listener.onOpening();
  const { straggling, seed, device, workers } = options;
  await using owner = await library.createEngine({
    device,
    signal,
    ...(workers !== undefined && { workers }),
  });
  const misbehaving = straggle(owner.workers, straggling, seed);
  // Given workers stay the owner's; the second engine only sends its tasks through the wrappers.
  await using misled =
    straggling.length === 0
      ? null
      : await library.createEngine({
          workers: misbehaving.workers,
          device: owner.device.kind === "cpu" ? "cpu" : device,
          signal,
        });
  const engine = misled ?? owner;
  const { product, code, unsent, attempts } = await record(engine, operands, options, {
    signal,
    listener,
    delayOf: misbehaving.delayOf,
  });
  return {
    code: { name: product.code, ...code },
    workers: engine.workers.map(({ id }) => id),
    device: owner.device,
    seed,
    tolerance: options.tolerance,
    straggle: straggling.map(({ text }) => text),
    product,
    attempts,
    unsent,
    waitForAll: waitForAll(attempts, code.tasks),
  };
}

/** Runs one multiplication and keeps what its events tell. */
async function record(
  engine: Engine,
  { a, b }: { readonly a: Matrix; readonly b: Matrix },
  options: MultiplyCommandOptions,
  run: { readonly signal: AbortSignal; readonly listener: RunListener; readonly delayOf: DelayOf },
) {
  const { code, deadlineMs, tolerance, verify, allowNonFinite } = options;
  const events: TaskEvent[] = [];
  let tasks = code?.tasks ?? 0;
  let recoveryThreshold = code?.recoveryThreshold ?? 0;
  const soFar = (used: readonly number[]) => {
    const sent = new Set(events.map(({ task }) => task));
    return {
      attempts: attemptsOf({ timeline: events, used, delayOf: run.delayOf }),
      unsent: Array.from({ length: tasks }, (_, task) => task).filter((task) => !sent.has(task)),
    };
  };
  try {
    const product = await engine.multiply(a, b, {
      ...(code && { code }),
      ...(deadlineMs !== undefined && { deadlineMs }),
      ...(tolerance !== undefined && { tolerance }),
      verify,
      allowNonFinite,
      signal: run.signal,
      onProgress(progress) {
        ({ tasks, needed: recoveryThreshold } = progress);
        if (progress.event) events.push(progress.event);
        run.listener.onProgress(progress);
      },
    });
    return { product, code: { tasks, recoveryThreshold }, ...soFar(product.used) };
  } catch (error) {
    if (error instanceof UndecodableError) run.listener.onUndecodable(soFar([]));
    throw error;
  }
}
