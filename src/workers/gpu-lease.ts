import { ClosedError, DeviceLostError, describeReason } from "../core/errors.ts";
import { BufferPool } from "../kernels/buffer-pool.ts";
import { describeDevice } from "../kernels/device/device.ts";
import { raceWithLoss } from "../kernels/device/device-loss.ts";
import type { GemmTuning } from "../kernels/tuning/tuning.ts";
import { loadTuning } from "../kernels/tuning/tuning-cache.ts";
import { LearnedPace, type Pace } from "./gpu-pace.ts";

/** A device that was open when last seen, and what those who use it share. */
export interface OpenGpu {
  readonly device: GPUDevice;
  /** True where the device computes on the CPU. */
  readonly software: boolean;
  readonly pool: BufferPool;
  readonly pace: Pace;
  /**
   * Which kernels were found fastest on it; undefined where it was never tuned. Settles within a second:
   * with undefined where the cache has not answered by then. Read it anew for every product, as a
   * later answer is there for later products.
   */
  readonly tuning: Promise<GemmTuning | undefined>;
}

export interface GpuLeaseOptions {
  /** Stays the caller's: nobody here destroys it. */
  readonly device: GPUDevice;
  /**
   * Gets a device in place of one that was lost. It is destroyed when it is not used any more.
   * Default: a device that is lost stays lost.
   */
  readonly reopen?: () => Promise<GPUDevice>;
}

/**
 * What all workers on one device share: the device or its successor, one buffer pool, and what was
 * learnt about its speed. Counts its users; the pool lives as long as there is one.
 */
export class GpuLease {
  readonly #first: GPUDevice;
  readonly #reopen: (() => Promise<GPUDevice>) | undefined;
  #open: OpenGpu | undefined;
  #reopening: Promise<OpenGpu> | undefined;
  #users = 0;

  constructor({ device, reopen }: GpuLeaseOptions) {
    this.#first = device;
    this.#reopen = reopen;
  }

  /** The device in use, which may be lost. */
  get device(): GPUDevice {
    return this.#open?.device ?? this.#first;
  }

  /** The pool of the device in use. Undefined while nobody uses the lease. */
  get pool(): BufferPool | undefined {
    return this.#open?.pool;
  }

  /** Adds a user, who calls the result once when done. */
  retain(): () => void {
    this.#users += 1;
    this.#open ??= open(this.#first);
    return () => {
      this.#users -= 1;
      if (this.#users === 0) this.#end();
    };
  }

  /**
   * A device that works: the one in use, or after a loss the one that `reopen` gives, the same for all.
   *
   * @internal
   * @throws {DeviceLostError} when it is lost and cannot be had again just now.
   */
  async current(): Promise<OpenGpu> {
    if (this.#reopening !== undefined) return this.#reopening;
    const gpu = this.#open;
    if (!gpu) throw new ClosedError("nobody has retained the lease");
    try {
      await raceWithLoss(gpu.device, Promise.resolve());
      return gpu;
    } catch (loss) {
      // Another user may have noticed the loss first.
      if (this.#open !== gpu) return this.current();
      this.#reopening ??= this.#replace(loss).finally(() => {
        this.#reopening = undefined;
      });
      return this.#reopening;
    }
  }

  async #replace(loss: unknown): Promise<OpenGpu> {
    const device = await this.#openAnother(loss);
    if (!this.#open) {
      device.destroy();
      throw new ClosedError("the lease ended while its device was opened again");
    }
    this.#discard(this.#open);
    this.#open = open(device);
    return this.#open;
  }

  async #openAnother(loss: unknown): Promise<GPUDevice> {
    if (!this.#reopen) throw loss;
    try {
      return await this.#reopen();
    } catch (error) {
      throw new DeviceLostError(
        `${describeReason(loss)}; it could not be opened again: ${describeReason(error)}`,
        { cause: error },
      );
    }
  }

  #end(): void {
    if (this.#open) this.#discard(this.#open);
    this.#open = undefined;
  }

  #discard({ device, pool }: OpenGpu): void {
    pool[Symbol.dispose]();
    if (device !== this.#first) device.destroy();
  }
}

const leases = new WeakMap<GPUDevice, GpuLease>();

/**
 * The one lease of a device, so that workers made one by one share it. `reopen` counts only for the
 * first who asks.
 */
export function leaseOf(options: GpuLeaseOptions): GpuLease {
  const lease = leases.get(options.device) ?? new GpuLease(options);
  leases.set(options.device, lease);
  return lease;
}

/** A cache is a speed-up, and a disk or IndexedDB that hangs must not take the device with it. */
const TUNING_PATIENCE_MS = 1000;

function open(device: GPUDevice): OpenGpu {
  const { software } = describeDevice(device);
  const loading = loadTuning(device); // never rejects
  let tuning = withinMs(loading, TUNING_PATIENCE_MS);
  void loading.then(() => {
    tuning = loading;
  });
  return {
    device,
    software,
    pool: new BufferPool(device),
    pace: new LearnedPace(software),
    get tuning() {
      return tuning;
    },
  };
}

/** Resolves as `promise` does, which must not reject, or with undefined after `ms`. Keeps no process alive. */
function withinMs<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, undefined);
    timer.unref?.(); // browsers have no such method
    void promise.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
