import fs from "node:fs/promises";
import os from "node:os";
import path from "node:path";

/**
 * Where unpacked drivers and results of tuning may be kept, best first: the user's cache, then a folder
 * of the user's own among the temporary files, for home folders that are missing or read-only. Where
 * `ANYK_CACHE_DIR` is set, there and nowhere else.
 */
export function cacheCandidates(environment: NodeJS.ProcessEnv = process.env): readonly string[] {
  const { ANYK_CACHE_DIR, XDG_CACHE_HOME } = environment;
  if (ANYK_CACHE_DIR) return [path.resolve(ANYK_CACHE_DIR)];
  const caches: string[] = [];
  // The XDG specification wants relative paths ignored.
  if (XDG_CACHE_HOME && path.isAbsolute(XDG_CACHE_HOME)) caches.push(XDG_CACHE_HOME);
  const home = homeFolder();
  if (home && path.isAbsolute(home)) caches.push(path.join(home, ".cache"));
  return [
    ...caches.map((cache) => path.join(cache, "anyk")),
    path.join(os.tmpdir(), `anyk-${process.getuid?.() ?? "user"}`),
  ];
}

/**
 * Makes `folder` if need be, and makes sure that nobody else can put files into it: libraries
 * loaded from it run with the rights of this process. So it must be a real folder, owned by this
 * user or by root, and writable by no other.
 *
 * @throws {Error} that says which of these does not hold.
 */
export async function ensurePrivateFolder(folder: string): Promise<void> {
  await fs.mkdir(folder, { recursive: true, mode: 0o700 });
  const stats = await fs.lstat(folder);
  const user = process.getuid?.();
  if (!stats.isDirectory()) throw new Error(`${folder} is no folder of its own`);
  if (user !== undefined && stats.uid !== user && stats.uid !== 0) {
    throw new Error(`${folder} belongs to user ${stats.uid}, not to ${user}`);
  }
  if ((stats.mode & 0o022) !== 0) {
    throw new Error(
      `${folder} can be written by others (mode ${(stats.mode & 0o777).toString(8)})`,
    );
  }
}

/** Undefined for a user without one, as in some containers, where `os.homedir` throws. */
function homeFolder(): string | undefined {
  try {
    return os.homedir();
  } catch {
    return undefined;
  }
}
