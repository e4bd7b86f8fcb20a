import { playwright } from "@vitest/browser-playwright";
import type { LaunchOptions } from "playwright";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

import { chromiumLaunchOptions } from "./test/support/chromium.ts";

const { ANYK_TEST_DEVICE: testDevice = "software", REQUIRE_GPU } = process.env;
if (testDevice !== "auto" && testDevice !== "gpu" && testDevice !== "software") {
  throw new Error(`ANYK_TEST_DEVICE must be "auto", "gpu" or "software", got "${testDevice}"`);
}

/** The GPU tests and those of the browser's own ways, in headless Chromium. */
function browserProject(launchOptions: LaunchOptions): TestProjectInlineConfiguration {
  return {
    extends: true,
    // Found by Vite only when a test imports them, and it would then reload the page under the test.
    optimizeDeps: {
      include: ["@jax-js/jax", "fast-check", "idb-keyval", "gpu.js", "ml-matrix", "zod"],
    },
    test: {
      name: "browser",
      include: ["test/gpu/**/*.test.ts", "test/browser/**/*.test.ts"],
      exclude: ["test/**/*.node.test.ts"],
      sequence: { groupOrder: 2 }, // after the node project, not beside it
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions }),
        instances: [{ browser: "chromium" }],
      },
    },
  };
}

const launchOptions = await chromiumLaunchOptions(testDevice).catch((error: Error) => {
  if (REQUIRE_GPU === "1") throw error;
  console.warn(`SKIPPED all tests in a browser: ${error.message}`);
  return undefined;
});

export default defineConfig({
  test: {
    // A software driver compiles and runs shaders slowly; no test measures time.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: { ANYK_TUNING: "off" }, // what somebody tuned here must not decide what is tested
    fileParallelism: false, // one software GPU, two cores: side by side, files only slow each other down
    reporters: ["default", "./scripts/skipped-reporter.ts"],
    // How the environment reaches tests in a browser too; test/support/gpu.ts has the meanings.
    provide: { testDevice, requireGpu: REQUIRE_GPU === "1" },
    projects: [
      {
        extends: true,
        test: {
          name: "node",
          environment: "node",
          pool: "forks", // a native addon and worker threads of its own: processes, not threads
          include: ["test/**/*.test.ts"],
          exclude: ["test/browser/**"],
          sequence: { groupOrder: 1 },
        },
      },
      ...(launchOptions ? [browserProject(launchOptions)] : []),
    ],
  },
});
