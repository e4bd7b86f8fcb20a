import os from "node:os";
import path from "node:path";

import { unpackPart } from "./software-package.ts";

const loader = "libvulkan.so.1";
const manifest = "vk_swiftshader_icd.json";

/** Keeps a library mapped after `dlclose`. From glibc's <dlfcn.h>; `os.constants` lacks it. */
const RTLD_NODELETE = 0x1000;

/**
 * Unpacks SwiftShader, a Vulkan driver that computes on the CPU, together with a Vulkan loader, out
 * of the npm install. Linux x64.
 *
 * @returns the folder with both.
 * @throws {Error} where the npm package is missing or there is no place to unpack it.
 */
export function unpackSwiftShader(): Promise<string> {
  return unpackPart({
    name: "swiftshader",
    archives: ["swiftshader.tar.br"],
    needs: [loader, manifest, "libvk_swiftshader.so"],
  });
}

/**
 * Calls `enumerate`, which must look for Vulkan drivers before it returns, in such a way that it
 * finds SwiftShader and no other driver. The environment is then as it was.
 *
 * Dawn opens "libvulkan.so.1" by its bare name, and the dynamic linker first looks among the
 * libraries that are loaded already. So the loader is loaded here by its path; `process.dlopen`
 * complains that it is no Node addon and closes it again, which RTLD_NODELETE makes harmless. Where
 * the system has a loader that was opened before, Dawn gets that one, which does as well.
 *
 * The loader reads the variables with `getenv` when a Vulkan instance is created. A worker thread's
 * `process.env` is a copy that native code does not see, unless it was started with SHARE_ENV.
 */
export function withSwiftShader<T>(folder: string, enumerate: () => T): T {
  try {
    const flags = os.constants.dlopen.RTLD_NOW | RTLD_NODELETE;
    process.dlopen({ exports: {} }, path.join(folder, loader), flags);
  } catch (error) {
    if (!String(error).includes("did not self-register")) throw error;
  }
  // The second name is the one that loaders from before 2022 know.
  const names = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] as const;
  const before = names.map((name) => process.env[name]);
  for (const name of names) process.env[name] = path.join(folder, manifest);
  try {
    return enumerate();
  } finally {
    names.forEach((name, i) => {
      const value = before[i];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    });
  }
}
