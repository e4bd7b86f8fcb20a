import { describe, expect, test } from "vitest";

import { formatBytes, formatMs, formatRatio } from "../../src/cli/units.ts";

describe("formatBytes", () => {
  test.each([
    [0, "0 bytes"],
    [1023, "1023 bytes"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [2 ** 20 - 1, "1 MiB"],
    [2 ** 27, "128 MiB"],
    [2 ** 31 - 4, "2 GiB"],
    [2 ** 60, "1024 PiB"],
  ])("says %d as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("formatMs", () => {
  test.each([
    [0, "0 ms"],
    [0.423, "0.42 ms"],
    [9.996, "10 ms"],
    [99.96, "100 ms"],
    [143.2, "143 ms"],
    [999.6, "1 s"],
    [1254, "1.25 s"],
    [59_960, "60 s"],
    [185_000, "3 min 5 s"],
    [Number.POSITIVE_INFINITY, "forever"],
  ])("says %d ms as %s", (ms, text) => {
    expect(formatMs(ms)).toBe(text);
  });
});

describe("formatRatio", () => {
  test.each([
    [0, "0"],
    [1, "1"],
    [0.0123, "0.012"],
    [3.14159e-7, "3.1e-7"],
    [2e-9, "2e-9"],
    [12345, "1.2e4"],
    [Number.POSITIVE_INFINITY, "Infinity"],
  ])("says %d as %s", (value, text) => {
    expect(formatRatio(value)).toBe(text);
  });
});
