import { describe, expect, test } from "vitest";

import { geometricMean, summarize } from "../../bench/statistics.ts";

describe("order statistics of samples", () => {
  test("interpolate quartiles between neighbours, whatever the samples' order", () => {
    expect(summarize([4, 1, 3, 2])).toEqual({
      count: 4,
      median: 2.5,
      q1: 1.75,
      q3: 3.25,
      min: 1,
      max: 4,
    });
  });

  test("are the sample itself where there is one", () => {
    expect(summarize([7])).toEqual({ count: 1, median: 7, q1: 7, q3: 7, min: 7, max: 7 });
  });

  test("are refused of nothing and of what is not finite", () => {
    expect(() => summarize([])).toThrow(RangeError);
    expect(() => summarize([1, Number.NaN])).toThrow("finite");
  });

  test("the geometric mean of a ratio and its inverse is 1", () => {
    expect(geometricMean([4, 0.25])).toBeCloseTo(1, 12);
    expect(geometricMean([])).toBeNaN();
  });
});
