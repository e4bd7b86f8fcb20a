import type { Reporter, TestModule } from "vitest/node";

/** Names every test that was skipped and says what was missing: the default reporter only counts. */
export default class SkippedReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      for (const test of module.children.allTests("skipped")) {
        const result = test.result();
        const why = "note" in result && result.note ? result.note : "no reason was given";
        console.log(`SKIPPED (${module.project.name}) ${test.fullName}: ${why}`);
      }
    }
  }
}
