import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";

import { matrix } from "../../src/core/matrix.ts";
import { isOrtInstalled } from "../../src/workers/ort-installed.ts";
import { matMulModel } from "../../src/workers/ort-model.js";
import { panelRoundings, planNativePanels } from "../../src/workers/panels.js";
import type { FromThread } from "../../src/workers/thread-messages.ts";
import { reportMissingOrt } from "../support/ort.ts";
import { deviationOf, never, randomTask } from "../support/workers.ts";

test("panels of the native library take some ms and 16 MiB, and are as few as that allows", () => {
  const side = fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 10 ** 8 }));
  fc.assert(
    fc.property(side, side, side, (m, k, n) => {
      const panel = planNativePanels({ m, k, n });
      expect(panel.m * panel.k * panel.n).toBeLessThanOrEqual(1024 ** 3);
      const elements = [panel.m * panel.k, panel.k * panel.n, panel.m * panel.n];
      expect(Math.max(...elements)).toBeLessThanOrEqual(2048 ** 2);
      expect(panel.k).toBeLessThanOrEqual(1024);
      expect(Math.min(panel.m, panel.k, panel.n)).toBeGreaterThanOrEqual(1);
      expect(panel.m <= m && panel.k <= k && panel.n <= n).toBe(true);
    }),
  );
});

test.each([
  { shape: { m: 512, k: 512, n: 512 }, panel: { m: 512, k: 512, n: 512 } },
  { shape: { m: 2048, k: 2048, n: 2048 }, panel: { m: 512, k: 1024, n: 2048 } },
  { shape: { m: 3, k: 1025, n: 7 }, panel: { m: 3, k: 513, n: 7 } },
])("$shape is cut into $panel", ({ shape, panel }) => {
  expect(planNativePanels(shape)).toEqual(panel);
});

test("a panel's sums and the sums of panels are counted as roundings, never more than all", () => {
  expect(panelRoundings(2048, 1024)).toBe(1025);
  expect(panelRoundings(1000, 1000)).toBe(1000);
  expect(panelRoundings(5, 8)).toBe(5);
  expect(panelRoundings(3, 1)).toBe(3);
});

test("the model names its operator, operands and dimensions in well-formed protocol buffers", () => {
  const fields = (bytes: Uint8Array): { field: number; value: number | Uint8Array }[] => {
    const found = [];
    for (let at = 0; at < bytes.length; ) {
      const [field, wire] = [bytes[at]! >> 3, bytes[at]! & 7];
      const value = bytes[at + 1]!; // the model is small: lengths above 127 are the graph's alone
      if (wire === 0) found.push({ field, value });
      if (wire === 0) at += 2;
      else {
        const two = value > 0x7f;
        const length = two ? (value & 0x7f) | (bytes[at + 2]! << 7) : value;
        at += two ? 3 : 2;
        found.push({ field, value: bytes.subarray(at, at + length) });
        at += length;
      }
    }
    return found;
  };
  const model = fields(matMulModel());
  expect(model.map(({ field }) => field)).toEqual([1, 7, 8]);
  const graph = fields(model[1]!.value as Uint8Array);
  expect(graph.map(({ field }) => field)).toEqual([1, 2, 11, 11, 12]);
  const node = fields(graph[0]!.value as Uint8Array);
  const text = node.map(({ value }) => new TextDecoder().decode(value as Uint8Array));
  expect(text).toEqual(["A", "B", "C", "MatMul"]);
});

if (!isOrtInstalled()) reportMissingOrt("native panels");
else {
  describe("native panels", () => {
    test.each([
      { m: 1100, k: 1030, n: 70 },
      { m: 2, k: 100_003, n: 3 },
      { m: 3, k: 70, n: 1100 },
      { m: 1, k: 1, n: 4_200_000 },
    ])("of $m×$k×$n add up to the product", async (shape) => {
      const { openOrtGemm } = await import("../../src/workers/ort-gemm.js");
      const gemm = await openOrtGemm();
      const task = randomTask(shape);
      const c = matrix(
        shape.m,
        shape.n,
        await gemm.multiply(shape, task.a.data, task.b.data, never),
      );
      const roundings = () => panelRoundings(shape.k, planNativePanels(shape).k);
      expect(deviationOf(c, task, { roundings } as never)).toBeLessThanOrEqual(1);
    });
  });
}

describe("an onnxruntime-node that does not load", () => {
  /** A copy of the thread's files beside a package that is broken, and what the thread says first. */
  async function firstMessage(arithmetic: "auto" | "native"): Promise<FromThread> {
    const root = resolve(import.meta.dirname, "../..");
    const folder = await mkdtemp(join(tmpdir(), "anyk-ort-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await cp(join(root, "src/workers"), join(folder, "workers"), { recursive: true });
    const broken = join(folder, "node_modules/onnxruntime-node");
    await mkdir(broken, { recursive: true });
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await writeFile(join(broken, "package.json"), '{ "main": "index.js" }');
    await writeFile(join(broken, "index.js"), 'throw new Error("libonnxruntime.so.1 is missing");');
    await symlink(
      join(root, "node_modules/@jax-js"),
      join(folder, "node_modules/@jax-js"),
      "junction",
    );
    const thread = new Worker(join(folder, "workers/ort-thread.js"), {
      workerData: { arithmetic },
      execArgv: [],
    });
    onTestFinished(async () => void (await thread.terminate()));
    return new Promise((resolve, reject) => thread.once("message", resolve).once("error", reject));
  }

  test("leaves the work to WebAssembly, and the reason is told", async () => {
    expect(await firstMessage("auto")).toMatchObject({
      type: "ready",
      arithmetic: { kind: "wasm", reason: "libonnxruntime.so.1 is missing" },
    });
  });

  test("is an error for those who insist on it", async () => {
    expect(await firstMessage("native")).toMatchObject({
      type: "unready",
      error: { message: "libonnxruntime.so.1 is missing" },
    });
  });
});
