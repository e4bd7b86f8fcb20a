import { raceWithLoss } from "../device/device-loss.ts";
import { scoped } from "../device-scopes.ts";
import { BufferUsage, MAP_READ_MODE } from "../gpu-constants.ts";

/** Measures how long a device works on what is recorded. */
export interface Stopwatch extends Disposable {
  /**
   * Submits what `record` writes, at most 2048 passes, and waits for it.
   *
   * @returns ms.
   * @throws {DeviceLostError} when the device is lost; an Error when it refuses the commands.
   * @throws `signal.reason` when `signal` aborts first.
   */
  time(record: (encoder: GPUCommandEncoder) => void, signal: AbortSignal): Promise<number>;
}

/** A stopwatch by the device's own timestamps where there are any, by the wall clock elsewhere. */
export function createStopwatch(device: GPUDevice): Stopwatch {
  const byClock = wallStopwatch(device);
  if (!device.features.has("timestamp-query")) return byClock;
  const byTimestamps = timestampStopwatch(device);
  return {
    async time(record, signal) {
      const beganMs = performance.now();
      const ms = await byTimestamps.time(record, signal);
      const wallMs = performance.now() - beganMs;
      // Some drivers' timestamps are zeros, or count in other units than they say.
      return ms > 0 && ms <= wallMs ? ms : wallMs;
    },
    [Symbol.dispose]: () => byTimestamps[Symbol.dispose](),
  };
}

/** Exported for tests. */
export function wallStopwatch(device: GPUDevice): Stopwatch {
  return {
    async time(record, signal) {
      const encoder = device.createCommandEncoder({ label: "anyk tuning" });
      record(encoder);
      const commands = encoder.finish();
      const beganMs = performance.now();
      const errors = scoped(device, "a gemm", () => device.queue.submit([commands]));
      const done = device.queue.onSubmittedWorkDone().then(() => performance.now());
      const [endedMs] = await raceWithLoss(device, Promise.all([done, errors]), signal);
      return endedMs - beganMs;
    },
    [Symbol.dispose]() {},
  };
}

/** The most passes of one measurement: a query set may hold 4096 timestamps. */
const MOST_PASSES = 2048;
const TIMESTAMP_BYTES = 8;
/** `GPUBufferUsage.QUERY_RESOLVE`. */
const QUERY_RESOLVE = 0x0200;

function timestampStopwatch(device: GPUDevice): Stopwatch {
  const label = "anyk tuning timestamps";
  const queries = device.createQuerySet({ label, type: "timestamp", count: 2 * MOST_PASSES });
  const size = 2 * MOST_PASSES * TIMESTAMP_BYTES;
  const { COPY_SRC, COPY_DST, MAP_READ } = BufferUsage;
  const resolved = device.createBuffer({ label, size, usage: QUERY_RESOLVE | COPY_SRC });
  const staging = device.createBuffer({ label, size, usage: MAP_READ | COPY_DST });
  return {
    async time(record, signal) {
      let passes = 0;
      const errors = scoped(device, "a gemm", () => {
        const encoder = device.createCommandEncoder({ label });
        record(timingPasses(encoder, queries, () => passes++));
        encoder.resolveQuerySet(queries, 0, 2 * passes, resolved, 0);
        encoder.copyBufferToBuffer(resolved, 0, staging, 0, 2 * passes * TIMESTAMP_BYTES);
        device.queue.submit([encoder.finish()]);
      });
      const bytes = 2 * passes * TIMESTAMP_BYTES;
      const mapped = staging.mapAsync(MAP_READ_MODE, 0, bytes);
      mapped.catch(() => {}); // the errors say more
      await raceWithLoss(device, errors, signal);
      await raceWithLoss(device, mapped, signal);
      const times = new BigUint64Array(staging.getMappedRange(0, bytes).slice(0));
      staging.unmap();
      return Number(times.at(-1)! - times[0]!) / 1e6;
    },
    [Symbol.dispose]() {
      for (const each of [queries, resolved, staging]) each.destroy();
    },
  };
}

/** `encoder`, but for compute passes, which note when they begin and end. */
function timingPasses(
  encoder: GPUCommandEncoder,
  querySet: GPUQuerySet,
  nextPass: () => number,
): GPUCommandEncoder {
  return new Proxy(encoder, {
    get(target, name) {
      if (name !== "beginComputePass") {
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return (descriptor: GPUComputePassDescriptor) => {
        const pass = nextPass();
        const timestampWrites = {
          querySet,
          beginningOfPassWriteIndex: 2 * pass,
          endOfPassWriteIndex: 2 * pass + 1,
        };
        return target.beginComputePass({ ...descriptor, timestampWrites });
      };
    },
  });
}
