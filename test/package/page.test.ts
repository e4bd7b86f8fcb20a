import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
let page: string;

beforeAll(async () => {
  if (!existsSync(join(root, "dist/index.js"))) {
    throw new Error("dist/ is missing: npm run build makes it, and npm test does so first");
  }
  page = await mkdtemp(join(tmpdir(), "anyk-page-"));
  await writeFile(join(page, "index.html"), '<script type="module" src="./main.js"></script>');
  await writeFile(
    join(page, "main.js"),
    `import { createEngine } from ${JSON.stringify(join(root, "dist/index.js"))};
     globalThis.createEngine = createEngine;`,
  );
});

afterAll(() => rm(page, { recursive: true, force: true }));

test("a page that uses the package can be bundled, its CPU thread included and nothing of Node's", async () => {
  const warnings: string[] = [];
  await build({
    root: page,
    configFile: false,
    logLevel: "silent",
    build: {
      target: "es2022",
      rolldownOptions: { onwarn: ({ message }) => warnings.push(message) },
    },
  });
  const assets = join(page, "dist/assets");
  const files = await readdir(assets);
  expect(files.filter((name) => name.startsWith("gemm-thread"))).toHaveLength(1);
  for (const name of files) {
    const text = await readFile(join(assets, name), "utf8");
    expect(text, name).not.toMatch(/from\s*["']node:|import\(["']node:|dawn\.node|dlopen/);
    expect(text, name).not.toMatch(/import\(["'`]onnxruntime|onnxruntime_binding|gpu\.js/);
  }
  expect(warnings.filter((message) => /externalized|unresolved/i.test(message))).toEqual([]);
});
