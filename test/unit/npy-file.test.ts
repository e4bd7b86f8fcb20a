import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { readNpyFile, writeNpyFile } from "../../src/cli/npy-file.ts";
import { checkOutputFile } from "../../src/cli/output-file.ts";
import { InputError, matrix } from "../../src/index.ts";

const c = matrix(2, 3, Float32Array.of(1, 2, 3, 4, 5, 6.5));
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "anyk-npy-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("writeNpyFile and readNpyFile", () => {
  test.each(["float32", "float64"] as const)("give a %s matrix back", async (dtype) => {
    const path = join(folder, "C.npy");
    await writeNpyFile(path, c, { dtype });
    expect(await readNpyFile(path)).toMatchObject({ matrix: c, dtype });
    expect(await readdir(folder)).toEqual(["C.npy"]);
  });

  test("write the parts of a strided view only", async () => {
    const path = join(folder, "C.npy");
    const data = Float32Array.of(1, 2, 99, 3, 4, 99, 5, 6);
    await writeNpyFile(path, { rows: 3, cols: 2, rowStride: 3, data });
    const { matrix: read } = await readNpyFile(path);
    expect([...read.data]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("replace a file, and follow a link that stays one", async () => {
    const path = join(folder, "C.npy");
    const link = join(folder, "link.npy");
    await writeFile(path, "old");
    await symlink(path, link);
    await writeNpyFile(link, c);
    expect((await readNpyFile(path)).matrix).toEqual(c);
    expect((await readdir(folder, { withFileTypes: true })).map((e) => e.isSymbolicLink())).toEqual(
      [false, true],
    );
  });
});

describe("a failure", () => {
  test("leaves the file before as it was, and nothing half written", async () => {
    const path = join(folder, "C.npy");
    await writeFile(path, "old");
    const reason = new Error("enough");
    await expect(writeNpyFile(path, c, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["C.npy"]);
  });

  test("to read names the file and why", async () => {
    const missing = join(folder, "missing.npy");
    await expect(readNpyFile(missing)).rejects.toThrow(InputError);
    await expect(readNpyFile(missing)).rejects.toThrow(
      `${missing}: cannot be read: no such file or folder`,
    );
    await expect(readNpyFile(folder)).rejects.toThrow(
      `${folder}: expected a regular file, found a folder`,
    );
  });

  test("to write names the file and why, in time", async () => {
    const inNowhere = join(folder, "nowhere", "C.npy");
    for (const act of [checkOutputFile, (path: string) => writeNpyFile(path, c)]) {
      await expect(act(inNowhere)).rejects.toThrow(
        `${inNowhere}: cannot be written: no such file or folder`,
      );
      await expect(act(folder)).rejects.toThrow("expected a regular file, found a folder");
    }
    await expect(checkOutputFile(join(folder, "C.npy"))).resolves.toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
  });

  test.skipIf(process.platform === "win32")(
    "a pipe is refused before it is opened, which would hang",
    async () => {
      const pipe = join(folder, "pipe");
      execFileSync("mkfifo", [pipe]);
      await expect(readNpyFile(pipe)).rejects.toThrow("found a device or pipe");
    },
  );

  test.skipIf(process.platform === "win32")("to write never replaces a device", async () => {
    await expect(writeNpyFile("/dev/null", c)).rejects.toThrow("found a device or pipe");
  });
});
