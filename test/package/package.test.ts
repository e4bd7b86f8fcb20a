import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
let project: string;

/** An empty project with the packed tarball installed, its dependencies being those of this checkout. */
beforeAll(async () => {
  if (!existsSync(join(root, "dist/index.js"))) {
    throw new Error("dist/ is missing: npm run build makes it, and npm test does so first");
  }
  project = await mkdtemp(join(tmpdir(), "anyk-package-"));
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  await run(npm, ["pack", "--ignore-scripts", "--pack-destination", project], { cwd: root });
  const tarball = (await readdir(project)).find((name) => name.endsWith(".tgz"))!;
  await run("tar", ["-xzf", tarball], { cwd: project });
  const modules = join(project, "node_modules");
  await mkdir(modules);
  await run("mv", ["package", join(modules, "anyk")], { cwd: project });
  const { dependencies, optionalDependencies } = JSON.parse(
    await readFile(join(root, "package.json"), "utf8"),
  ) as Record<string, Record<string, string>>;
  const needed = Object.keys({ ...dependencies, ...optionalDependencies });
  for (const name of needed) {
    const link = join(modules, name);
    await mkdir(resolve(link, ".."), { recursive: true });
    await symlink(join(root, "node_modules", name), link, "junction");
  }
  await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }));
});

afterAll(() => rm(project, { recursive: true, force: true }));

describe("the packed package", () => {
  test("multiplies in an empty project, on a worker thread of its own", async () => {
    await writeFile(
      join(project, "use.js"),
      `import { createEngine, matdot, matrix } from "anyk";
       import { planGemm } from "anyk/kernels";
       const engine = await createEngine({ device: "cpu", workers: 3 });
       const a = matrix(2, 3, Float32Array.of(1, 2, 3, 4, 5, 6));
       const b = matrix(3, 2, Float32Array.of(7, 8, 9, 10, 11, 12));
       const { c } = await engine.multiply(a, b, { code: matdot({ parts: 2, tasks: 3 }) });
       console.log(JSON.stringify([[...c.data].map(Math.round), typeof planGemm]));
       await engine[Symbol.asyncDispose]();`,
    );
    const { stdout } = await run(process.execPath, ["use.js"], { cwd: project });
    expect(JSON.parse(stdout)).toEqual([[58, 64, 139, 154], "function"]);
  });

  test("has types that a strict project accepts without settings of its own", async () => {
    await writeFile(
      join(project, "use.ts"),
      `import { createEngine, faulty, matrix, polynomial, type Code, type Product } from "anyk";
       import { openDevice, planCombine, prepareGemm } from "anyk/kernels";
       const code: Code = polynomial({ partition: { m: 2, n: 2 }, tasks: 6 });
       export async function use(): Promise<Product> {
         const engine = await createEngine({ workers: 2, device: "auto" });
         const slow = faulty(engine.workers[0]!, { kind: "silent" });
         const device: GPUDevice = await openDevice({ device: "software" });
         planCombine(code.encodePlan.a, { rows: 2, cols: 2 }, device);
         void [slow, prepareGemm];
         const one = matrix(1, 1, Float32Array.of(1));
         return engine.multiply(one, one, { code, deadlineMs: 5 });
       }`,
    );
    const flags = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"];
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    await run(process.execPath, [tsc, ...flags, "use.ts"], { cwd: project });
  });

  test("brings the command line", async () => {
    const bin = join(project, "node_modules/anyk/dist/cli/main.js");
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const { stdout } = await run(process.execPath, [bin, "--version"], { cwd: project });
    expect(stdout.trim()).toBe(version);
  });

  test("holds what is needed and nothing else", async () => {
    const files = await readdir(join(project, "node_modules/anyk"));
    expect(files.sort()).toEqual(["LICENSE", "README.md", "dist", "package.json"]);
    // What a bundler for browsers leaves out must be named as it is.
    const { browser } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    for (const file of Object.keys(browser)) {
      expect({ file, exists: existsSync(join(project, "node_modules/anyk", file)) }).toEqual({
        file,
        exists: true,
      });
    }
  });
});
