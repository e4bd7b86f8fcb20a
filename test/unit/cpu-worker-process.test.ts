import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);

/** Runs a module in a Node process of its own and returns what it printed; fails unless it exits 0. */
async function run(lines: string): Promise<string> {
  const setUp = `
    import { createCpuWorker } from "./src/workers/cpu-worker.ts";
    import { matrix } from "./src/core/matrix.ts";
    const worker = createCpuWorker({ id: "w" });
    const a = matrix(1, 2, Float32Array.of(2, 3));
    const b = matrix(2, 1, Float32Array.of(5, 7));
    const signal = new AbortController().signal;
    const multiply = async () => (await worker.multiply({ index: 0, a, b }, { signal })).data[0];
  `;
  const args = ["--import", "tsx", "--input-type=module", "--eval", setUp + lines];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  return stdout.trim();
}

test("a process waits for a pending product, but not for an idle worker", async () => {
  expect(await run(`void multiply().then(console.log);`)).toBe("31");
});

test("a process can end a worker that never worked, and wait for one that did", async () => {
  const output = await run(`
    await createCpuWorker({ id: "unused" })[Symbol.asyncDispose]();
    console.log(await multiply());
    await worker[Symbol.asyncDispose]();
    console.log("disposed");
  `);
  expect(output).toBe("31\ndisposed");
});
