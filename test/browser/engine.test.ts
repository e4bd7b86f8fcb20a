import { expect, test } from "vitest";

import { createEngine } from "../../src/index.ts";
import { listAdapters } from "../../src/kernels/index.ts";
import { distance, multiplyReference64 } from "../support/matrices.ts";
import { randomTask } from "../support/workers.ts";

test("a page without a hardware adapter computes in WebAssembly on threads of its own", async (context) => {
  const adapters = await listAdapters();
  if (adapters.some(({ kind }) => kind === "hardware")) {
    context.skip("this browser has a GPU, which is what the engine then uses");
  }
  await using engine = await createEngine();
  expect(engine.device).toMatchObject({ kind: "cpu", description: "CPU (WebAssembly)" });
  expect(engine.workers.map(({ kind }) => kind)).toEqual(
    Array.from({ length: Math.min(16, navigator.hardwareConcurrency) }, () => "cpu"),
  );
  const task = randomTask({ m: 60, k: 50, n: 40 });
  const { c, error } = await engine.multiply(task.a, task.b);
  const misses = distance(c, multiplyReference64(task.a, task.b));
  expect(misses / (Math.hypot(...task.a.data) * Math.hypot(...task.b.data))).toBeLessThanOrEqual(
    error.bound,
  );
});
