import { describe } from "vitest";

import { createGpujsWorker } from "../../src/gpujs/index.ts";
import { createCpuWorker } from "../../src/workers/cpu-worker.ts";
import { GpuLease } from "../../src/workers/gpu-lease.ts";
import { createGpuWorker } from "../../src/workers/gpu-worker.ts";
import { describeGpu } from "../support/gpu.ts";
import { testConformance } from "../support/workers.ts";

// The same suite that test/conformance/workers.test.ts runs in Node.
describe("cpu worker", () => testConformance({ create: () => createCpuWorker({ id: "cpu" }) }));
describe.each(["auto", "cpu"] as const)("gpu.js worker, mode %s", (mode) =>
  testConformance({ create: () => createGpujsWorker({ id: "gpu.js", mode }) }),
);
describeGpu("gpu worker", (device) => {
  const lease = new GpuLease({ device });
  testConformance({
    create: () => createGpuWorker({ id: "gpu", device: lease }),
    held: () => JSON.stringify(lease.pool?.stats),
  });
});
