/** A controller that also aborts, with the same reason, when its source does. */
export interface LinkedAbort extends Disposable {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
}

/** What hangs on each source, and the one listener that it has for all of them. */
const links = new WeakMap<
  AbortSignal,
  { readonly controllers: Set<AbortController>; readonly onAbort: () => void }
>();

/**
 * Links a controller to a signal until it is disposed of. `AbortSignal.any` would do, but on Node 20
 * each result stays reachable from a long-lived source, and a caller's signal may outlive many jobs;
 * and a listener a job would make Node warn of a leak at eleven jobs side by side.
 */
export function linkedAbort(source?: AbortSignal): LinkedAbort {
  const controller = new AbortController();
  if (source?.aborted) controller.abort(source.reason);
  else if (source) link(source, controller);
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]() {
      if (source) unlink(source, controller);
    },
  };
}

function link(source: AbortSignal, controller: AbortController): void {
  let known = links.get(source);
  if (!known) {
    const controllers = new Set<AbortController>();
    const onAbort = () => {
      for (const each of controllers) each.abort(source.reason);
    };
    known = { controllers, onAbort };
    links.set(source, known);
    source.addEventListener("abort", onAbort, { once: true });
  }
  known.controllers.add(controller);
}

function unlink(source: AbortSignal, controller: AbortController): void {
  const known = links.get(source);
  if (!known?.controllers.delete(controller) || known.controllers.size > 0) return;
  source.removeEventListener("abort", known.onAbort);
  links.delete(source);
}

/** Settles as `promise` does, or rejects with `signal.reason` as soon as `signal` aborts. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      promise.catch(() => {}); // its outcome no longer interests anyone
      reject(signal.reason);
      return;
    }
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
