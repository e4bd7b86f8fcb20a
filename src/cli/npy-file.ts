import { open, stat } from "node:fs/promises";

import type { Matrix } from "../index.ts";
import { type NpyMatrix, type ReadNpyOptions, readNpy } from "./npy-read.ts";
import { encodeNpy, type NpyOutputDtype } from "./npy-write.ts";
import { fileStep, requireRegularFile, writeOutputFile } from "./output-file.ts";

/**
 * Reads a .npy file of this machine: see `readNpy`.
 *
 * @throws {InputError} when it cannot be opened or read, or holds no matrix.
 */
export async function readNpyFile(path: string, options: ReadNpyOptions = {}): Promise<NpyMatrix> {
  // Before it is opened: opening a pipe waits for its writer, and nothing can end that.
  requireRegularFile(path, await fileStep(path, "cannot be read", () => stat(path)));
  const handle = await fileStep(path, "cannot be read", () => open(path, "r"));
  try {
    const stats = await handle.stat();
    const source = {
      sizeBytes: stats.size,
      read: (target: Uint8Array, position: number) =>
        fileStep(path, "cannot be read", async () => {
          return (await handle.read(target, 0, target.length, position)).bytesRead;
        }),
    };
    return await readNpy(path, source, options);
  } finally {
    await handle.close();
  }
}

/**
 * Writes `value` as a .npy file, whole or not at all.
 *
 * @throws {InputError} when it cannot be written.
 * @throws `signal.reason` when aborted.
 */
export async function writeNpyFile(
  path: string,
  value: Matrix,
  options: { readonly dtype?: NpyOutputDtype; readonly signal?: AbortSignal } = {},
): Promise<void> {
  await writeOutputFile(path, encodeNpy(value, options.dtype ?? "float32"), options.signal);
}
