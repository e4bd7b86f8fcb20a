import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");

test("the program in the README is examples/readme.ts, and does what it says", async () => {
  const readme = await readFile(resolve(root, "README.md"), "utf8");
  const example = await readFile(resolve(root, "examples/readme.ts"), "utf8");
  const program = /```ts\n(.*?)```/s.exec(readme)![1]!;
  expect(example).toContain(program.replace('"anyk"', '"../src/index.ts"'));

  const tsx = resolve(root, "node_modules/tsx/dist/cli.mjs");
  const { stdout } = await promisify(execFile)(process.execPath, [
    tsx,
    resolve(root, "examples/readme.ts"),
  ]);
  expect(stdout).toMatch(/^C is 300×400, off by \d\.?\d*e-\d+ of its size$/m);
  expect(stdout).toMatch(/^made of tasks \d,\d,\d,\d; 2 workers never answered$/m);
});

test("the kernels in the README are examples/kernels.ts, and multiply", async () => {
  const readme = await readFile(resolve(root, "README.md"), "utf8");
  const example = await readFile(resolve(root, "examples/kernels.ts"), "utf8");
  const parts = [...readme.matchAll(/```ts\n(.*?)```/gs)].slice(1).map(([, part]) => part!);
  expect(parts).toHaveLength(2);
  for (const part of parts) expect(example).toContain(part);
  const tsx = resolve(root, "node_modules/tsx/dist/cli.mjs");
  const program = resolve(root, "examples/kernels.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, program]);
  expect(stdout).toMatch(/makes the last element of C 1024, after \d+ roundings/);
});
