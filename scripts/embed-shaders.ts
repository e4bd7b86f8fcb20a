// Writes every shaders/*.wgsl into src/kernels/shaders.generated.ts, one exported string a file, so
// that Node, browsers, tests and bundlers all see the same text without any configuration.
//
//   tsx scripts/embed-shaders.ts           writes the file
//   tsx scripts/embed-shaders.ts --check   fails when the file differs from the shaders
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SHADERS = fileURLToPath(new URL("../shaders/", import.meta.url));
const GENERATED = fileURLToPath(new URL("../src/kernels/shaders.generated.ts", import.meta.url));

/** The text of shaders.generated.ts for the shaders as they are now, in order of their names. */
export function generateShaderModule(): string {
  const files = readdirSync(SHADERS)
    .filter((file) => file.endsWith(".wgsl"))
    .sort();
  const shaders = files.map((file) => {
    const source = readFileSync(`${SHADERS}${file}`, "utf8").replaceAll("\r\n", "\n");
    return (
      `/** \`shaders/${file}\` */\n` +
      `export const ${constantName(file)}: string = \`${escapeTemplate(source)}\`;\n`
    );
  });
  return `// Made from shaders/*.wgsl by scripts/embed-shaders.ts: edit those, then \`npm run shaders\`.\n\n${shaders.join("\n")}`;
}

/** Whether shaders.generated.ts is what the shaders give now. */
export function isShaderModuleCurrent(): boolean {
  return readFileSync(GENERATED, "utf8").replaceAll("\r\n", "\n") === generateShaderModule();
}

/** gemm_tiled.wgsl → gemmTiledWgsl */
function constantName(file: string): string {
  const words = file.replace(/\.wgsl$/, "_wgsl").split("_");
  return words.map((word, i) => (i === 0 ? word : word[0]!.toUpperCase() + word.slice(1))).join("");
}

function escapeTemplate(source: string): string {
  return source.replace(/[\\`]|\$\{/g, (special) => `\\${special}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes("--check")) {
    writeFileSync(GENERATED, generateShaderModule());
  } else if (!isShaderModuleCurrent()) {
    console.error("src/kernels/shaders.generated.ts is out of date: run `npm run shaders`");
    process.exit(1);
  }
}
