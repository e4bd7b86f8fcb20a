/** @file Results of tuning on the disk. Needs Node, so only tuning-cache.ts imports it, and only there. */

import { randomBytes } from "node:crypto";
import fs from "node:fs/promises";
import path from "node:path";

import { describeReason, InputError } from "../../core/errors.ts";
import { cacheCandidates, ensurePrivateFolder } from "../device/software-cache.ts";
import type { TuningStore } from "./tuning-store.ts";

/**
 * Texts as files of a private folder: `folder`, or else the first of the user's cache folders that can be
 * used.
 */
export function diskStore(folder?: string): TuningStore {
  const folders = folder === undefined ? cacheCandidates() : [path.resolve(folder)];
  return {
    async read(name) {
      for (const each of folders) {
        const text = await readPrivate(each, `${name}.json`);
        if (text !== undefined) return text;
      }
      return undefined;
    },
    async write(name, text) {
      const failures: string[] = [];
      for (const each of folders) {
        try {
          await ensurePrivateFolder(each);
          return await replaceFile(path.join(each, `${name}.json`), text);
        } catch (error) {
          failures.push(describeReason(error));
        }
      }
      throw new InputError(`results of tuning cannot be kept: ${failures.join("; ")}`);
    },
  };
}

/** Undefined where there is no such file, or where others could have put it. */
async function readPrivate(folder: string, name: string): Promise<string | undefined> {
  try {
    const text = await fs.readFile(path.join(folder, name), "utf8");
    await ensurePrivateFolder(folder);
    return text;
  } catch {
    return undefined;
  }
}

/** The file holds the old text or the new one at every moment, whatever happens. */
async function replaceFile(file: string, text: string): Promise<string> {
  const scratch = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const handle = await fs.open(scratch, "wx", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(scratch, file);
  } catch (error) {
    await fs.rm(scratch, { force: true });
    throw error;
  }
  return file;
}
