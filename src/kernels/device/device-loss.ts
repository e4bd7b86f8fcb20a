import { DeviceLostError } from "../../core/errors.ts";

/** What is known about the loss of one device, and who waits for it. */
interface Loss {
  info?: GPUDeviceLostInfo;
  readonly waiting: Set<() => void>;
}

/**
 * `device.lost` is one promise for the whole life of a device, and what was chained to it cannot be
 * taken off again. So one callback a device is chained to it, and calls come and go in `waiting`.
 */
const losses = new WeakMap<GPUDevice, Loss>();

/**
 * How long after a call failed the loss behind it may still be announced. Chromium rejects a
 * `mapAsync` up to 9 ms earlier than it resolves `lost`.
 */
const ANNOUNCEMENT_MS = 100;

/**
 * Waits for `promise`, but no longer than the device lives. On a lost device WebGPU reports success
 * for most calls (`onSubmittedWorkDone` resolves, submits are ignored) and an AbortError for
 * `mapAsync`: both become a `DeviceLostError` here. `promise` itself goes on unobserved.
 *
 * @throws {DeviceLostError} when the device is lost, or was before the call.
 * @throws `signal.reason` when `signal` aborts first.
 */
export async function raceWithLoss<T>(
  device: GPUDevice,
  promise: Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const loss = lossOf(device);
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  loss.waiting.add(stop);
  signal?.addEventListener("abort", stop);
  if (signal?.aborted || loss.info) stop();
  promise.catch(() => {}); // it may fail when nobody listens any more
  let cause: unknown;
  try {
    const value = await Promise.race([promise, stopped]);
    signal?.throwIfAborted();
    if (!loss.info) return value as T;
  } catch (error) {
    signal?.throwIfAborted();
    if (mayComeFromLoss(error)) await withTimeout(stopped, ANNOUNCEMENT_MS);
    if (!loss.info) throw error;
    cause = error;
  } finally {
    loss.waiting.delete(stop);
    signal?.removeEventListener("abort", stop);
  }
  const { reason, message } = loss.info;
  throw new DeviceLostError(`the device was lost (${reason}): ${message}`, { cause });
}

function lossOf(device: GPUDevice): Loss {
  const known = losses.get(device);
  if (known) return known;
  const loss: Loss = { waiting: new Set() };
  losses.set(device, loss);
  void device.lost.then((info) => {
    loss.info = info;
    for (const wake of loss.waiting) wake();
  });
  return loss;
}

function mayComeFromLoss(error: unknown): boolean {
  return error instanceof Error && ["AbortError", "OperationError"].includes(error.name);
}

/** Resolves with `promise`, which must not reject, or after `ms` milliseconds. */
async function withTimeout(promise: Promise<void>, ms: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
