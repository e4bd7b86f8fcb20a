import { raceWithLoss } from "../kernels/device/device-loss.ts";
import { scoped } from "../kernels/device-scopes.ts";
import type { Pace } from "./gpu-pace.ts";

/** One runs while the next waits behind it: the device is never idle, and an abort waits for two. */
const MOST_IN_FLIGHT = 2;

/**
 * The submits of one task on a device, in order and few at a time. Disposal waits until the device is
 * done with them.
 */
export class Submits implements AsyncDisposable {
  readonly #device: GPUDevice;
  readonly #pace: Pace;
  readonly #signal: AbortSignal;
  readonly #inFlight: Promise<void>[] = [];

  constructor(device: GPUDevice, pace: Pace, signal: AbortSignal) {
    this.#device = device;
    this.#pace = pace;
    this.#signal = signal;
  }

  /**
   * Submits what `record` writes to the queue and appends to an encoder, as soon as no more than one
   * earlier submit runs.
   *
   * @throws `signal.reason` when it aborted meanwhile, before anything is submitted.
   * @throws whatever went wrong with an earlier submit.
   */
  async add(flops: number, record: (encoder: GPUCommandEncoder) => void): Promise<void> {
    while (this.#inFlight.length >= MOST_IN_FLIGHT) await this.#inFlight.shift();
    this.#signal.throwIfAborted();
    const device = this.#device;
    const errors = scoped(device, "a gemm", () => {
      const encoder = device.createCommandEncoder({ label: "anyk gemm task" });
      record(encoder);
      device.queue.submit([encoder.finish()]);
    });
    const done = this.#pace.observe(flops, device.queue.onSubmittedWorkDone());
    const outcome = raceWithLoss(device, Promise.all([errors, done])).then(() => {});
    outcome.catch(() => {}); // heard of by whoever waits for it next
    this.#inFlight.push(outcome);
  }

  /**
   * Writes to the queue without a submit; what the device has to say about it is heard with the next.
   *
   * @throws whatever went wrong with an earlier submit.
   */
  async upload(write: () => void): Promise<void> {
    while (this.#inFlight.length >= MOST_IN_FLIGHT) await this.#inFlight.shift();
    const outcome = raceWithLoss(this.#device, scoped(this.#device, "an upload", write));
    outcome.catch(() => {}); // heard of by whoever waits for it next
    this.#inFlight.push(outcome);
  }

  /**
   * Waits until everything submitted has run.
   *
   * @throws whatever went wrong: a DeviceLostError, a DeviceLimitError, an Error of the driver.
   */
  async complete(): Promise<void> {
    while (this.#inFlight.length > 0) await this.#inFlight.shift();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#inFlight);
  }
}
