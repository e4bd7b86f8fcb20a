import { describe, expect, test } from "vitest";

import { InterruptedError } from "../../src/cli/exit-codes.ts";
import { createEngine, DeviceLostError } from "../../src/index.ts";
import type { AdapterDescription } from "../../src/kernels/index.ts";
import { runInProcess } from "../support/cli.ts";

const hardware: AdapterDescription = {
  vendor: "acme",
  architecture: "rocket-9",
  device: "0x1234",
  description: "ACME Rocket 9000",
  kind: "hardware",
  driver: "system",
  limits: {
    maxBufferSize: 2 ** 32,
    maxStorageBufferBindingSize: 2 ** 31,
    maxComputeWorkgroupStorageSize: 48 * 1024,
    maxComputeInvocationsPerWorkgroup: 1024,
    maxComputeWorkgroupsPerDimension: 65535,
  },
  features: ["shader-f16", "subgroups"],
  subgroupMinSize: 32,
  subgroupMaxSize: 32,
};
const software: AdapterDescription = {
  ...hardware,
  vendor: "",
  architecture: "",
  device: "",
  description: "",
  kind: "software",
  driver: "npm (SwiftShader)",
  features: [],
};

function devices(adapters: readonly AdapterDescription[], ...args: string[]) {
  const library = { createEngine, listAdapters: async () => adapters };
  return runInProcess(["devices", ...args], { library });
}

describe("anyk devices", () => {
  test("describes each adapter with its limits in units for people", async () => {
    const { exitCode, stdout } = await devices([hardware, software]);
    expect(exitCode).toBe(0);
    for (const text of [
      "GPU: ACME Rocket 9000",
      "rocket-9",
      "4 GiB",
      "2 GiB",
      "48 KiB",
      "1024",
      "shader-f16 subgroups",
      "Software adapter: unnamed",
      "npm (SwiftShader)",
      "CPU worker",
      "--device auto uses the GPU.",
    ]) {
      expect(stdout).toContain(text);
    }
  });

  test("says plainly that there is no GPU, and what is used instead", async () => {
    for (const adapters of [[], [software]]) {
      const { stdout } = await devices(adapters);
      expect(stdout).toContain("This machine has no GPU that WebGPU can use.");
      expect(stdout).toContain("--device auto uses the CPU worker");
    }
  });

  test("tells of the GPUs even where the CPU worker cannot run, and why it cannot", async () => {
    const { exitCode, stdout } = await runInProcess(["devices"], {
      library: {
        createEngine: () => Promise.reject(new DeviceLostError("its thread died")),
        listAdapters: async () => [hardware],
      },
    });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("GPU: ACME Rocket 9000");
    expect(stdout).toMatch(/arithmetic +none: its thread died/);
  });

  test("ends when it is interrupted while it asks the CPU worker", async () => {
    const stop = new AbortController();
    const { exitCode, stdout, stderr } = await runInProcess(["devices"], {
      signal: stop.signal,
      library: {
        createEngine: (options) => {
          stop.abort(new InterruptedError("SIGINT"));
          return createEngine(options);
        },
        listAdapters: async () => [hardware],
      },
    });
    expect([exitCode, stdout, stderr]).toEqual([130, "", "anyk: interrupted\n"]);
  });

  test("prints the same as JSON", async () => {
    const { stdout } = await devices([software, hardware], "--json");
    expect(JSON.parse(stdout)).toEqual({
      auto: "gpu",
      adapters: [software, hardware],
      cpu: {
        model: expect.any(String),
        threads: expect.any(Number),
        arithmetic: expect.any(String),
      },
    });
    expect(JSON.parse((await devices([], "--json")).stdout)).toMatchObject({ auto: "cpu" });
  });
});
