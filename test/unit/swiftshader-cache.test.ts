import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { cacheCandidates, ensurePrivateFolder } from "../../src/kernels/device/software-cache.ts";
import type { PackagePart } from "../../src/kernels/device/software-package.ts";
import { unpackPart } from "../../src/kernels/device/software-package.ts";

let place: string;
beforeEach(() => {
  place = fs.mkdtempSync(path.join(os.tmpdir(), "anyk-test-"));
});
afterEach(() => fs.rmSync(place, { recursive: true, force: true }));

describe("cacheCandidates", () => {
  test("prefers XDG_CACHE_HOME, then the home folder, and ends among the temporary files", () => {
    const candidates = cacheCandidates({ XDG_CACHE_HOME: "/xdg" });
    expect(candidates).toEqual([
      "/xdg/anyk",
      path.join(os.homedir(), ".cache", "anyk"),
      path.join(os.tmpdir(), `anyk-${process.getuid?.() ?? "user"}`),
    ]);
    expect(cacheCandidates({ XDG_CACHE_HOME: "relative" })).toEqual(candidates.slice(1));
  });
});

describe("ensurePrivateFolder", () => {
  test("makes a folder, parents included, that is its owner's alone", async () => {
    const folder = path.join(place, "a", "b");
    await ensurePrivateFolder(folder);
    expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
    await ensurePrivateFolder(folder);
  });

  test("refuses a folder that others can write to", async () => {
    const folder = path.join(place, "open");
    fs.mkdirSync(folder);
    fs.chmodSync(folder, 0o777);
    await expect(ensurePrivateFolder(folder)).rejects.toThrow(
      "can be written by others (mode 777)",
    );
  });

  test("refuses a link, even to a private folder", async () => {
    fs.symlinkSync(place, path.join(place, "link"));
    await expect(ensurePrivateFolder(path.join(place, "link"))).rejects.toThrow(
      "no folder of its own",
    );
  });

  test.runIf(process.getuid?.() === 0)("as root, refuses another user's folder", async () => {
    const folder = path.join(place, "theirs");
    fs.mkdirSync(folder, { mode: 0o700 });
    fs.chownSync(folder, 12345, 12345);
    await expect(ensurePrivateFolder(folder)).rejects.toThrow("belongs to user 12345");
  });
});

describe.runIf(process.platform === "linux" && process.arch === "x64")("unpackPart", () => {
  const fonts: PackagePart = {
    name: "fonts",
    archives: ["fonts.tar.br"],
    needs: ["fonts.conf", "fonts/Open_Sans/OpenSans-Bold.ttf"],
  };

  test("unpacks into a folder with the package's version, owned by this user", async () => {
    const folder = await unpackPart(fonts, [place]);
    expect(path.basename(folder)).toMatch(/^fonts-\d+\.\d+\.\d+$/);
    for (const file of fonts.needs) {
      const stats = fs.statSync(path.join(folder, file));
      expect(stats.uid).toBe(process.getuid?.());
      expect(stats.mode & 0o022).toBe(0);
    }
  });

  test("unpacks once, and nothing is left over when several do so at the same time", async () => {
    const folders = await Promise.all([1, 2, 3].map(() => unpackPart(fonts, [place])));
    expect(new Set(folders).size).toBe(1);
    expect(fs.readdirSync(place)).toEqual([path.basename(folders[0]!)]);

    const { ino } = fs.statSync(folders[0]!);
    await unpackPart(fonts, [place]);
    expect(fs.statSync(folders[0]!).ino).toBe(ino);
  });

  test("repairs a folder that has lost a file", async () => {
    const folder = await unpackPart(fonts, [place]);
    fs.rmSync(path.join(folder, "fonts.conf"));
    await unpackPart(fonts, [place]);
    expect(fs.existsSync(path.join(folder, "fonts.conf"))).toBe(true);
    expect(fs.readdirSync(place)).toHaveLength(1);
  });

  test("goes on to the next place where one cannot be used, and names all that cannot", async () => {
    const file = path.join(place, "file");
    fs.writeFileSync(file, "");
    const good = path.join(place, "good");
    expect(path.dirname(await unpackPart(fonts, [file, good]))).toBe(good);
    await expect(unpackPart(fonts, [file])).rejects.toThrow(/cannot unpack fonts out of .+EEXIST/);
  });
});
