import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { access, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { InputError } from "../index.ts";

/**
 * Checks that `path` can be written, so that a long job does not fail at its last step.
 *
 * @throws {InputError} when the folder is missing or closed to us, or `path` is there and no file.
 */
export async function checkOutputFile(path: string): Promise<void> {
  const failure = "cannot be written";
  await fileStep(path, failure, () => access(dirname(path), constants.W_OK | constants.X_OK));
  await fileStep(path, failure, () => resolveTarget(path));
}

/**
 * Checks that writing `path` replaces none of the `others`, whatever links lead to them.
 *
 * @throws {InputError} when it would.
 */
export async function requireOtherFile(
  option: string,
  path: string,
  others: readonly (string | undefined)[],
): Promise<void> {
  const target = await realPath(path);
  for (const other of others) {
    if (other === undefined || (await realPath(other)) !== target) continue;
    throw new InputError(`${option} must name a file of its own, got ${path}, which is ${other}`);
  }
}

/** Where a path leads, also where nothing is there yet. */
async function realPath(path: string): Promise<string> {
  return realpath(path).catch(() => resolve(path));
}

/**
 * Writes a file from `chunks`. It appears, or replaces the one before, when it is complete: until then
 * the bytes go to a temporary file next to it, which is removed on failure.
 *
 * @throws {InputError} when it cannot be written.
 * @throws `signal.reason` when aborted.
 */
export async function writeOutputFile(
  path: string,
  chunks: Iterable<Uint8Array | string>,
  signal?: AbortSignal,
): Promise<void> {
  const failure = "cannot be written";
  const target = await fileStep(path, failure, () => resolveTarget(path));
  const name = `.${basename(target)}.${randomBytes(6).toString("hex")}.tmp`;
  const temporary = join(dirname(target), name);
  const handle = await fileStep(path, failure, () => open(temporary, "wx"));
  try {
    try {
      for (const bytes of chunks) {
        signal?.throwIfAborted();
        await fileStep(path, failure, () => handle.writeFile(bytes));
      }
      // On disk before the rename: a crash must not leave the new name with old contents.
      await fileStep(path, failure, () => handle.sync());
    } finally {
      await handle.close();
    }
    signal?.throwIfAborted();
    await fileStep(path, failure, () => rename(temporary, target));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Where the bytes really go: a link is followed, so that it stays one. Renaming onto a device such
 * as /dev/null would replace it, so only regular files may be there.
 */
async function resolveTarget(path: string): Promise<string> {
  try {
    const target = await realpath(path);
    requireRegularFile(path, await stat(target));
    return target;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return path;
    throw error;
  }
}

/** @throws {InputError} for a folder, a device or a pipe. */
export function requireRegularFile(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  const found = stats.isDirectory() ? "a folder" : "a device or pipe";
  throw new InputError(`${path}: expected a regular file, found ${found}`);
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  ENOTDIR: "part of the path is no folder",
  EACCES: "no permission",
  EPERM: "no permission",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EMFILE: "too many open files",
  ELOOP: "its symbolic links form a loop",
};

/** Runs one file operation; what the system refuses becomes an InputError that says what and why. */
export async function fileStep<T>(
  path: string,
  failure: string,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    const code = systemCode(cause);
    if (code === undefined) throw cause;
    throw new InputError(`${path}: ${failure}: ${SYSTEM_ERRORS[code] ?? code}`, { cause });
  }
}

function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && "syscall" in error && "code" in error ? error.code : "";
  return typeof code === "string" && code !== "" ? code : undefined;
}
