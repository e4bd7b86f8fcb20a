import { describe, expect, test } from "vitest";

import type { DriverSource } from "../../src/kernels/device/device-adapters.ts";
import type { Finding } from "../../src/kernels/device/device-errors.ts";
import { noDeviceError } from "../../src/kernels/device/device-errors.ts";

interface Case {
  readonly when: string;
  readonly search: Parameters<typeof noDeviceError>[0];
  readonly says: RegExp;
}

const browser = { kind: "browser", hasWebGpu: true, secureContext: true } as const;
const linux = { kind: "node", platform: "linux" } as const;
const nothing: Finding = { driver: "browser", unsuitable: [] };

describe("noDeviceError", () => {
  test.each([
    {
      when: "a browser has no WebGPU",
      search: { wanted: "gpu", surroundings: { ...browser, hasWebGpu: false }, findings: [] },
      says: /^this browser has no WebGPU: .+ Use a current Chrome/,
    },
    {
      when: "a page over http has no WebGPU",
      search: {
        wanted: "auto",
        surroundings: { kind: "browser", hasWebGpu: false, secureContext: false },
        findings: [],
      },
      says: /has no WebGPU: .+ Open the page over https/,
    },
    {
      when: "WebGPU offers no adapter",
      search: { wanted: "auto", surroundings: browser, findings: [nothing] },
      says: /^this browser's WebGPU offers no adapter \(browser: no adapter\)\. Turn on hardware acceleration/,
    },
    {
      when: "there is only a software adapter",
      search: {
        wanted: "gpu",
        surroundings: browser,
        findings: [{ driver: "browser", unsuitable: ["google swiftshader"] }],
      },
      says: /^no GPU was found, only software: google swiftshader\. Turn on/,
    },
    {
      when: "there is only a GPU",
      search: {
        wanted: "software",
        surroundings: browser,
        findings: [{ driver: "browser", unsuitable: ["apple metal-3"] }],
      },
      says: /^no software adapter was found, only a GPU: apple metal-3\. Ask for device "gpu"/,
    },
    {
      when: "Linux lacks everything",
      search: {
        wanted: "auto",
        surroundings: linux,
        findings: [
          failed("system", "there is no Vulkan loader"),
          failed("npm (SwiftShader)", "the npm package @sparticuz/chromium is not installed"),
        ],
      },
      says: /\(system: there is no Vulkan loader; npm \(SwiftShader\): the npm package @sparticuz\/chromium is not installed\)\. Install .+npm install @sparticuz\/chromium/,
    },
    {
      when: "a Mac has no software adapter",
      search: {
        wanted: "software",
        surroundings: { kind: "node", platform: "darwin" },
        findings: [{ driver: "system", unsuitable: ["Apple M4"] }],
      },
      says: /only a GPU: Apple M4\. For software, ask for device "gpu"/,
    },
  ] satisfies Case[])("says what is missing and what to do when $when", ({ search, says }) => {
    const error = noDeviceError(search);
    expect(error.code).toBe("ERR_NO_DEVICE");
    expect(error.message).toMatch(says);
  });

  test("keeps the causes", () => {
    const finding = failed("system", "no driver");
    const { cause } = noDeviceError({ wanted: "auto", surroundings: linux, findings: [finding] });
    expect((cause as AggregateError).errors).toEqual([finding.failure.cause]);
  });
});

function failed(driver: DriverSource, reason: string): Required<Finding> {
  return { driver, unsuitable: [], failure: { reason, cause: new Error(reason) } };
}
