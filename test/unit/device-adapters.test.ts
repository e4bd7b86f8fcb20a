import { describe, expect, test } from "vitest";

import {
  adapterTitle,
  describeAdapter,
  isSoftware,
} from "../../src/kernels/device/device-adapters.ts";

const info = {
  vendor: "nvidia",
  architecture: "hopper",
  device: "",
  description: "",
  isFallbackAdapter: false,
} as GPUAdapterInfo;

describe("describeAdapter", () => {
  test("copies the limits, which are getters of a prototype, and sorts the features", () => {
    class Limits {
      get maxBufferSize(): number {
        return 2 ** 31;
      }
      get name(): string {
        return "not a limit";
      }
    }
    for (const name of ["maxBufferSize", "name"]) {
      Object.defineProperty(Limits.prototype, name, { enumerable: true });
    }
    const limits = new Limits() as unknown as GPUSupportedLimits;
    const features = new Set(["timestamp-query", "shader-f16"]);

    const description = describeAdapter({ info, limits, features }, "system");

    expect(description).toEqual({
      vendor: "nvidia",
      architecture: "hopper",
      device: "",
      description: "",
      kind: "hardware",
      driver: "system",
      limits: { maxBufferSize: 2 ** 31 },
      features: ["shader-f16", "timestamp-query"],
    });
  });

  test("includes subgroup sizes where there are any", () => {
    const subject = { info: { ...info, subgroupMinSize: 32, subgroupMaxSize: 64 }, ...empty() };
    const description = describeAdapter(subject, "browser");
    expect(description).toMatchObject({ subgroupMinSize: 32, subgroupMaxSize: 64 });
  });
});

describe("isSoftware", () => {
  test("believes the adapter", () => {
    expect(isSoftware({ ...info, isFallbackAdapter: true })).toBe(true);
    expect(isSoftware({ ...info, description: "llvmpipe" })).toBe(false);
  });

  test.each([
    ["SwiftShader Device (Subzero)", true],
    ["llvmpipe (LLVM 19.1.7, 256 bits)", true],
    ["Microsoft Basic Render Driver", true],
    ["NVIDIA H100", false],
  ])("goes by the name where isFallbackAdapter does not exist yet: %s", (description, software) => {
    const { isFallbackAdapter, ...older } = { ...info, description };
    expect(isSoftware(older as GPUAdapterInfo)).toBe(software);
  });
});

describe("adapterTitle", () => {
  test("is the best name there is", () => {
    expect(adapterTitle({ ...info, description: "NVIDIA H100" })).toBe("NVIDIA H100");
    expect(adapterTitle(info)).toBe("nvidia hopper");
    expect(adapterTitle({ ...info, architecture: "", device: "0x2330" })).toBe("nvidia 0x2330");
    expect(adapterTitle({ ...info, vendor: "", architecture: "" })).toBe(
      "an adapter without a name",
    );
  });
});

function empty() {
  return { limits: {} as GPUSupportedLimits, features: new Set<string>() };
}
