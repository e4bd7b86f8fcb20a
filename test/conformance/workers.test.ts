import { describe } from "vitest";

import { createGpujsWorker } from "../../src/gpujs/index.ts";
import { createCpuWorker } from "../../src/workers/cpu-worker.ts";
import { GpuLease } from "../../src/workers/gpu-lease.ts";
import { createGpuWorker } from "../../src/workers/gpu-worker.ts";
import { isOrtInstalled } from "../../src/workers/ort-installed.ts";
import { describeGpu } from "../support/gpu.ts";
import { reportMissingOrt } from "../support/ort.ts";
import { testConformance } from "../support/workers.ts";

// Every kind of worker passes the same tests: a new one is one more line.
describe("cpu worker, WebAssembly", () =>
  testConformance({ create: () => createCpuWorker({ id: "cpu", arithmetic: "wasm" }) }));
if (isOrtInstalled()) {
  describe("cpu worker, native", () =>
    testConformance({ create: () => createCpuWorker({ id: "cpu", arithmetic: "native" }) }));
} else reportMissingOrt("cpu worker, native");
describe("gpu.js worker", () =>
  testConformance({ create: () => createGpujsWorker({ id: "gpu.js" }) }));
describeGpu("gpu worker", (device) => {
  const lease = new GpuLease({ device });
  testConformance({
    create: () => createGpuWorker({ id: "gpu", device: lease }),
    held: () => JSON.stringify(lease.pool?.stats),
  });
});
