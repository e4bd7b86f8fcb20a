// What `npm test` runs: generated files, the check, the build, every test; then one line of counts.
// All steps run even when an earlier one fails, so that one run shows everything that is wrong.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const scratch = mkdtempSync(join(tmpdir(), "anyk-test-"));
const report = join(scratch, "vitest.json");
const count = { passed: 0, failed: 0, skipped: 0 };

/** @param {string} name @param {string[]} command */
function step(name, command) {
  console.log(`\n▶ ${name}`);
  const { status } = spawnSync("npx", ["--no-install", ...command], {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  return status === 0;
}

/** @param {string} name @param {string[]} command */
function countedStep(name, command) {
  if (step(name, command)) count.passed++;
  else {
    count.failed++;
    console.log(`✗ ${name} failed`);
  }
}

countedStep("generated files", ["tsx", "scripts/embed-shaders.ts", "--check"]);
countedStep("format and lint", ["biome", "check", "--error-on-warnings"]);
countedStep("types", ["tsc"]);
countedStep("directions of imports", ["depcruise", "src"]);
countedStep("unused code", ["knip"]);
countedStep("build", ["node", "scripts/build.mjs"]);
countedStep("reference", ["typedoc", "--emit", "none"]);

const ran = step("tests", [
  "vitest",
  "run",
  "--reporter=default",
  "--reporter=./scripts/skipped-reporter.ts",
  "--reporter=json",
  `--outputFile.json=${report}`,
]);
try {
  const results = JSON.parse(readFileSync(report, "utf8"));
  count.passed += results.numPassedTests;
  count.failed += results.numFailedTests;
  count.skipped += results.numPendingTests + results.numTodoTests;
  // A file that cannot even be loaded has no tests that could fail.
  if (!ran && results.numFailedTests === 0)
    count.failed += Math.max(1, results.numFailedTestSuites);
} catch {
  console.log("✗ the tests wrote no report");
  count.failed++;
}
rmSync(scratch, { recursive: true, force: true });

if (count.skipped > 0)
  console.log(`\n${count.skipped} tests were skipped, each named above with what it needs.`);
console.log(`\n${count.passed} passed, ${count.failed} failed`);
process.exit(count.failed === 0 ? 0 : 1);
