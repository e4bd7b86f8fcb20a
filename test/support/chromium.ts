import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { chromium, type LaunchOptions } from "playwright";

import type { DeviceKind } from "../../src/kernels/device/device-adapters.ts";
import { unpackPart } from "../../src/kernels/device/software-package.ts";

/** Nothing but this machine can be reached, whatever the browser would like to update or report. */
const offline = [
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-domain-reliability",
  "--disable-quic",
  "--no-first-run",
];
const webGpu = ["--enable-unsafe-webgpu", "--enable-features=Vulkan"];

/**
 * How Playwright starts a headless Chromium with WebGPU: the one of `CHROME_PATH`, else the one out
 * of the npm install (Linux x64), else Playwright's own. Playwright itself turns the sandbox off, so
 * root may start it.
 *
 * @throws {Error} that says what is missing.
 * @param device "gpu" leaves the choice of the driver to Chromium; else it computes on SwiftShader.
 */
export async function chromiumLaunchOptions(device: DeviceKind): Promise<LaunchOptions> {
  const software = ["--use-vulkan=swiftshader", "--use-angle=swiftshader"];
  const args = [...offline, ...webGpu, ...(device === "gpu" ? ["--use-angle=vulkan"] : software)];
  const { CHROME_PATH } = process.env;
  if (CHROME_PATH) return { executablePath: CHROME_PATH, args };
  if (process.platform !== "linux" || process.arch !== "x64") {
    if (existsSync(chromium.executablePath())) return { channel: "chromium", args };
    throw new Error("no Chromium: set CHROME_PATH, or run npx playwright install chromium");
  }

  const folder = await unpackChromium();
  const libraries = [process.env.LD_LIBRARY_PATH, path.join(folder, "lib")].filter(Boolean);
  return {
    executablePath: path.join(folder, "chromium"),
    args,
    env: {
      ...process.env,
      LD_LIBRARY_PATH: libraries.join(":"),
      FONTCONFIG_FILE: path.join(folder, "fonts.conf"),
    },
  };
}

/** The browser, the shared libraries that a bare machine lacks, and a font: it crashes without any. */
function unpackChromium(): Promise<string> {
  return unpackPart({
    name: "chromium",
    archives: ["swiftshader.tar.br", "al2023.tar.br", "fonts.tar.br"],
    needs: ["chromium", "libvk_swiftshader.so", "lib/libnss3.so", "fonts.conf"],
    async finish({ scratch, folder, bin }) {
      const inFolder = (name: string) => path.join(folder, name);
      await writeFile(
        path.join(scratch, "fonts.conf"),
        `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<dir>${inFolder("fonts")}</dir><cachedir>${inFolder("fonts-cache")}</cachedir></fontconfig>\n`,
      );
      await pipeline(
        createReadStream(path.join(bin, "chromium.br")),
        createBrotliDecompress(),
        createWriteStream(path.join(scratch, "chromium"), { mode: 0o755 }),
      );
    },
  });
}
