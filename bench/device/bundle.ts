/**
 * Makes one JavaScript file each of check.ts and measure.ts, which then need nothing but Node and the
 * npm package webgpu: `tsx bench/device/bundle.ts FOLDER`.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "vite";

const here = path.dirname(fileURLToPath(import.meta.url));
const [folder = ".device"] = process.argv.slice(2);

/** Imports that bundlers are told to leave alone, for browsers' sake, are wanted in these files. */
const everyImport: Plugin = {
  name: "every import",
  enforce: "pre",
  transform: (code, id) =>
    id.includes("/src/kernels/")
      ? code.replace(/\/\* (?:@vite-ignore|webpackIgnore: true) \*\//g, "")
      : undefined,
};

for (const name of ["check", "measure"]) {
  await build({
    configFile: false,
    logLevel: "warn",
    plugins: [everyImport],
    ssr: { noExternal: true, external: ["webgpu"] },
    build: {
      ssr: path.join(here, `${name}.ts`),
      outDir: path.resolve(folder),
      emptyOutDir: false,
      target: "node20",
      rolldownOptions: {
        output: { entryFileNames: `${name}.mjs`, codeSplitting: false },
      },
    },
  });
}
