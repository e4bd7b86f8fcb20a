import { type ComputeWorker, type FaultyWorker, faulty } from "../index.ts";
import type { DelayOf } from "./attempts.ts";
import { requireWorkers } from "./multiply-options.ts";
import type { Straggling } from "./straggler-spec.ts";

/** Workers that misbehave as asked, and what was injected into them. */
export interface StragglingWorkers {
  readonly workers: readonly ComputeWorker[];
  readonly delayOf: DelayOf;
}

interface Layer {
  readonly wrapper: FaultyWorker;
  /** Whether the worker dies at some time, with whatever it holds then. */
  readonly mortal: boolean;
}

/**
 * Wraps `workers` by every `--straggle` that names them, the first one innermost. Those that are
 * named by none are passed on as they are.
 *
 * @throws {InputError} when a `--straggle` names a worker that is not there.
 */
export function straggle(
  workers: readonly ComputeWorker[],
  straggling: readonly Straggling[],
  seed: number,
): StragglingWorkers {
  requireWorkers(straggling, workers.length);
  const layersOf = new Map<string, readonly Layer[]>();
  const wrapped = workers.map((worker, number) => {
    const layers: Layer[] = [];
    for (const [i, { workers: named, model: modelOf }] of straggling.entries()) {
      if (named && !named.includes(number)) continue;
      // Two layers of one kind must not draw the same numbers.
      const model = modelOf(seed + i * 0x1_0000_0000);
      const wrapper = faulty(layers[0]?.wrapper ?? worker, model);
      layers.unshift({ wrapper, mortal: model.kind === "dies" });
    }
    layersOf.set(worker.id, layers);
    return layers[0]?.wrapper ?? worker;
  });
  return { workers: wrapped, delayOf: (task, id) => delayOf(layersOf.get(id) ?? [], task) };
}

/** Layers are outermost first, as each waits before it calls the next. */
function delayOf(layers: readonly Layer[], task: number): number | undefined {
  let delayMs = 0;
  for (const { wrapper, mortal } of layers) {
    const injected = wrapper.injected.get(task);
    // A layer draws only when those before it have waited; a mortal worker may die before it is done.
    if (!injected || mortal) return undefined;
    delayMs += injected.delayMs;
    if (delayMs === Number.POSITIVE_INFINITY) return delayMs;
  }
  return delayMs;
}
