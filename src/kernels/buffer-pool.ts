import { ClosedError, DeviceLimitError, InputError } from "../core/errors.ts";
import { describeDevice } from "./device/device.ts";
import { raceWithLoss } from "./device/device-loss.ts";

export interface BufferPoolOptions {
  /**
   * Bytes that all buffers of the pool together may take, lent and idle. Default: what
   * `maxBufferSize` allows one buffer on a software device, since some of those promise memory that
   * the machine does not have; four times that on a GPU, whose driver says when it is full.
   */
  readonly budgetBytes?: number;
  /** Bytes of released buffers that are kept for reuse. Default: half of `budgetBytes`. */
  readonly maxIdleBytes?: number;
}

export interface BufferPoolStats {
  /** Buffers that are lent out, and their bytes. */
  readonly liveBuffers: number;
  readonly liveBytes: number;
  /** Released buffers that wait to be lent again, and their bytes. */
  readonly idleBuffers: number;
  readonly idleBytes: number;
  /** How many buffers were ever made: it stands still once a job runs on reused ones. */
  readonly createdBuffers: number;
}

/** A buffer of the pool, under the properties that must match for it to be reused. */
interface Slot {
  readonly buffer: GPUBuffer;
  readonly bytes: number;
  readonly usage: GPUBufferUsageFlags;
}

/**
 * Lends buffers of one device, and keeps those that come back for the next that asks.
 *
 * A lent buffer is at least as large as asked, and its contents are whatever its last user left. So
 * bind it with `{ buffer, offset: 0, size }`, or `arrayLength` in a shader counts the surplus.
 *
 * The pool owns its buffers: give them back with `release`, never `destroy` them. A buffer may be
 * released while submitted commands still use it, because the queue runs what comes later later.
 */
export class BufferPool implements Disposable {
  readonly #device: GPUDevice;
  readonly #budgetBytes: number;
  readonly #maxIdleBytes: number;
  readonly #live = new Map<GPUBuffer, Slot>();
  /** The one released longest ago comes first. */
  readonly #idle: Slot[] = [];
  /** Of buffers that are being made just now. */
  #pendingBytes = 0;
  #createdBuffers = 0;
  #closed = false;

  constructor(device: GPUDevice, options: BufferPoolOptions = {}) {
    const { maxBufferSize } = device.limits;
    const { budgetBytes = maxBufferSize * (describeDevice(device).software ? 1 : 4) } = options;
    const { maxIdleBytes = Math.floor(budgetBytes / 2) } = options;
    this.#device = device;
    this.#budgetBytes = requireBytes("budgetBytes", budgetBytes, 1);
    this.#maxIdleBytes = requireBytes("maxIdleBytes", maxIdleBytes, 0);
  }

  get stats(): BufferPoolStats {
    const live = [...this.#live.values()];
    return {
      liveBuffers: live.length,
      liveBytes: totalBytes(live),
      idleBuffers: this.#idle.length,
      idleBytes: totalBytes(this.#idle),
      createdBuffers: this.#createdBuffers,
    };
  }

  /**
   * Lends a buffer of at least `sizeBytes` with exactly the given usage, unmapped.
   *
   * @param label for the messages of the driver and of this pool.
   * @throws {DeviceLimitError} when the device or the budget has no room for it; buffers that are
   * released make room.
   * @throws {DeviceLostError} when the device is lost.
   * @throws {InputError} when `sizeBytes` is not a positive whole number.
   * @throws {ClosedError} after the pool was disposed of.
   */
  async acquire(sizeBytes: number, usage: GPUBufferUsageFlags, label = ""): Promise<GPUBuffer> {
    requireBytes("sizeBytes", sizeBytes, 1);
    await raceWithLoss(this.#device, Promise.resolve()); // a lost device would lend dead buffers
    if (this.#closed) throw closedError();
    const idle = this.#takeIdle(this.#sizeClass(sizeBytes, label), usage);
    if (!idle) return this.#create({ size: sizeBytes, usage, label });
    idle.buffer.label = label;
    this.#live.set(idle.buffer, idle);
    return idle.buffer;
  }

  /**
   * Takes a buffer back; the caller must not use it any more. A mapped one is unmapped. Does nothing
   * after the pool was disposed of, so it can stand in a `finally`.
   *
   * @throws {InputError} for a buffer that is not lent out: released twice, or not of this pool.
   */
  release(buffer: GPUBuffer): void {
    if (this.#closed) return;
    const slot = this.#live.get(buffer);
    if (!slot) {
      throw new InputError(
        `buffer "${buffer.label}" was released to a pool that has not lent it: ` +
          "it was released before, or is another's",
      );
    }
    this.#live.delete(buffer);
    if (buffer.mapState !== "unmapped") buffer.unmap();
    this.#idle.push(slot);
    this.#shrinkIdle(this.#maxIdleBytes);
  }

  /** Destroys all buffers of the pool, the lent ones too. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#shrinkIdle(0);
    for (const buffer of this.#live.keys()) buffer.destroy();
    this.#live.clear();
  }

  #sizeClass(sizeBytes: number, label: string): number {
    const { maxBufferSize } = this.#device.limits;
    if (sizeBytes > maxBufferSize) {
      throw new DeviceLimitError(
        `buffer "${label}" of ${sizeBytes} bytes exceeds the device's maxBufferSize of ${maxBufferSize}`,
      );
    }
    // Copies want multiples of 4, which maxBufferSize need not be: lavapipe has 2³² - 1.
    const largest = Math.max(sizeBytes, maxBufferSize - (maxBufferSize % 4));
    return Math.min(sizeClass(sizeBytes), largest);
  }

  #takeIdle(bytes: number, usage: GPUBufferUsageFlags): Slot | undefined {
    const at = this.#idle.findLastIndex((slot) => slot.bytes === bytes && slot.usage === usage);
    return at < 0 ? undefined : this.#idle.splice(at, 1)[0];
  }

  #makeRoom(bytes: number, label: string): void {
    const taken = totalBytes(this.#live.values()) + this.#pendingBytes;
    const room = this.#budgetBytes - taken - bytes;
    if (room < 0) {
      throw new DeviceLimitError(
        `buffer "${label}" takes ${bytes} bytes, but ${taken} of the pool's budget of ` +
          `${this.#budgetBytes} are in use`,
      );
    }
    this.#shrinkIdle(room);
  }

  async #create(descriptor: { size: number; usage: number; label: string }): Promise<GPUBuffer> {
    const { size, usage, label } = descriptor;
    const bytes = this.#sizeClass(size, label);
    this.#makeRoom(bytes, label);
    this.#pendingBytes += bytes;
    try {
      let attempt = await this.#tryCreate({ ...descriptor, size: bytes });
      if (attempt.outOfMemory) {
        this.#shrinkIdle(0);
        // The memory of a destroyed buffer is free once the commands that use it have run.
        await raceWithLoss(this.#device, this.#device.queue.onSubmittedWorkDone());
        attempt = await this.#tryCreate({ ...descriptor, size: Math.ceil(size / 4) * 4 });
      }
      const { buffer, error } = attempt;
      if (error || this.#closed) buffer.destroy();
      if (this.#closed) throw closedError();
      if (!error) {
        this.#createdBuffers += 1;
        this.#live.set(buffer, { buffer, bytes: buffer.size, usage });
        return buffer;
      }
      const { liveBuffers, liveBytes } = this.stats;
      throw new DeviceLimitError(
        `the device refuses buffer "${label}" of ${size} bytes, with ${liveBytes} bytes in ` +
          `${liveBuffers} buffers in use: ${error.message}`,
        { cause: error },
      );
    } finally {
      this.#pendingBytes -= bytes;
    }
  }

  /** `createBuffer` reports failure to the error scopes alone, and returns a useless buffer. */
  async #tryCreate(descriptor: GPUBufferDescriptor): Promise<{
    readonly buffer: GPUBuffer;
    readonly error: GPUError | null;
    readonly outOfMemory: boolean;
  }> {
    const device = this.#device;
    // Scopes are a stack of the device, so nothing may be awaited between these five.
    device.pushErrorScope("out-of-memory");
    device.pushErrorScope("validation");
    const buffer = device.createBuffer(descriptor);
    const scopes = [device.popErrorScope(), device.popErrorScope()] as const;
    const [invalid, memory] = await raceWithLoss(device, Promise.all(scopes));
    return { buffer, error: invalid ?? memory, outOfMemory: memory !== null };
  }

  #shrinkIdle(toBytes: number): void {
    let bytes = totalBytes(this.#idle);
    while (bytes > toBytes) {
      const oldest = this.#idle.shift()!;
      oldest.buffer.destroy();
      bytes -= oldest.bytes;
    }
  }
}

/**
 * The bytes that a buffer of `sizeBytes` gets: the next multiple of 256 up to 1 KiB, from there on
 * the next of four equal steps to each power of two. So few sizes occur that released buffers fit
 * again, and above 1 KiB less than a quarter is surplus.
 */
export function sizeClass(sizeBytes: number): number {
  const step = sizeBytes <= 1024 ? 256 : 2 ** (Math.ceil(Math.log2(sizeBytes)) - 3);
  return Math.ceil(sizeBytes / step) * step;
}

function totalBytes(slots: Iterable<Slot>): number {
  let bytes = 0;
  for (const slot of slots) bytes += slot.bytes;
  return bytes;
}

function requireBytes(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new InputError(`${name} must be a whole number of bytes ≥ ${least}, got ${value}`);
}

function closedError(): ClosedError {
  return new ClosedError("the buffer pool was disposed of");
}
