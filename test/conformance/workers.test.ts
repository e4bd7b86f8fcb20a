import { describe } from "vitest";

import { createCpuWorker } from "../../src/workers/cpu-worker.ts";
import { GpuLease } from "../../src/workers/gpu-lease.ts";
import { createGpuWorker } from "../../src/workers/gpu-worker.ts";
import { describeGpu } from "../support/gpu.ts";
import { testConformance } from "../support/workers.ts";

// Every kind of worker passes the same tests: a new one is one more line.
describe("cpu worker", () => testConformance({ create: () => createCpuWorker({ id: "cpu" }) }));
describeGpu("gpu worker", (device) => {
  const lease = new GpuLease({ device });
  testConformance({
    create: () => createGpuWorker({ id: "gpu", device: lease }),
    held: () => JSON.stringify(lease.pool?.stats),
  });
});
