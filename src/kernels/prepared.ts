import { scoped } from "./device-scopes.ts";

/**
 * Waits for all parts of something that is prepared, and disposes of those that came when one fails.
 *
 * @throws whatever the first of those that fail, in their order, rejects with.
 */
export async function allPrepared<T extends readonly unknown[]>(
  parts: {
    readonly [K in keyof T]: Promise<T[K]> | T[K];
  },
): Promise<T> {
  const outcomes = await Promise.allSettled(parts);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (!failed) return outcomes.map((outcome) => (outcome as { value: unknown }).value) as never;
  for (const outcome of outcomes) {
    if (outcome.status === "fulfilled" && isDisposable(outcome.value)) {
      outcome.value[Symbol.dispose]();
    }
  }
  throw failed.reason;
}

/** Buffers that live and end together. */
export class Allocation implements Disposable {
  readonly #buffers: GPUBuffer[] = [];

  /** Makes a buffer and keeps it. */
  create(device: GPUDevice, descriptor: GPUBufferDescriptor): GPUBuffer {
    const buffer = device.createBuffer(descriptor);
    this.#buffers.push(buffer);
    return buffer;
  }

  [Symbol.dispose](): void {
    for (const buffer of this.#buffers.splice(0)) buffer.destroy();
  }
}

/**
 * Makes buffers with `allocate`, and hears what the device has to say about them, which it otherwise
 * tells nobody. What was made is destroyed when anything fails.
 *
 * @param what names the purpose in messages: "a gemm".
 * @throws {DeviceLimitError} when memory ran out.
 */
export async function allocated<T>(
  device: GPUDevice,
  what: string,
  allocate: (allocation: Allocation) => T,
): Promise<{ readonly made: T; readonly allocation: Allocation }> {
  const allocation = new Allocation();
  let made: T | undefined;
  try {
    await scoped(device, what, () => {
      made = allocate(allocation);
    });
    return { made: made as T, allocation };
  } catch (error) {
    allocation[Symbol.dispose]();
    throw error;
  }
}

function isDisposable(value: unknown): value is Disposable {
  return typeof value === "object" && value !== null && Symbol.dispose in value;
}
