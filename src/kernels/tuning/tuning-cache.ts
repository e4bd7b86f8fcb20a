import type { GemmTuning } from "./tuning.ts";
import { deviceKey } from "./tuning-device.ts";
import type { TuningStore } from "./tuning-store.ts";
import { readStored, storedText } from "./tuning-stored.ts";
import { kernelsVersion, textHash } from "./tuning-version.ts";

/** Results of tuning that outlive the process or the page. */
export interface TuningCache {
  /**
   * What was found for these kernels on such a device, `key` being its `deviceKey`. Undefined where there
   * is nothing, or nothing of use.
   */
  load(key: string): Promise<GemmTuning | undefined>;
  /**
   * Adds choices to those that are kept, in place of earlier ones of the same buckets.
   *
   * @returns where they are kept, for people.
   * @throws {InputError} in Node when there is no folder to write to; in a browser, whatever IndexedDB
   *   throws.
   */
  save(key: string, tuning: GemmTuning): Promise<string>;
}

export interface TuningCacheOptions {
  /**
   * Node only: the folder, which must be this user's alone. Default: `ANYK_CACHE_DIR` where it is set,
   * else the folder `anyk` in the user's cache.
   */
  readonly folder?: string;
  /** Hears of results that are there and cannot be used, and why. */
  readonly onUnusable?: (reason: string) => void;
}

/** The results that are kept on this machine: files in Node, IndexedDB in a browser. */
export async function openTuningCache(options: TuningCacheOptions = {}): Promise<TuningCache> {
  const store = await openStore(options.folder);
  const ownerOf = (key: string) => ({ key, kernels: kernelsVersion() });
  const nameOf = (key: string) => `tuning-${textHash(key)}`;
  const load = async (key: string) => {
    const text = await store.read(nameOf(key));
    if (text === undefined) return undefined;
    const found = readStored(text, ownerOf(key));
    if ("tuning" in found) return found.tuning;
    options.onUnusable?.(found.unusable);
    return undefined;
  };
  return {
    load,
    async save(key, { choices }) {
      const kept = await load(key);
      const merged = { choices: { ...kept?.choices, ...choices } };
      return store.write(nameOf(key), storedText(ownerOf(key), merged));
    },
  };
}

/**
 * What tuning has found for a device, to be handed to `planGemm`. Only reads, and never throws: without
 * results, or with `ANYK_TUNING=off` in the environment, it is undefined, and planning goes by rules.
 */
export async function loadTuning(device: GPUDevice): Promise<GemmTuning | undefined> {
  try {
    if (processOf()?.env?.ANYK_TUNING === "off") return undefined;
    const cache = await openTuningCache();
    return await cache.load(deviceKey(device));
  } catch {
    return undefined;
  }
}

interface NodeProcess {
  readonly versions?: { readonly node?: string };
  readonly env?: Readonly<Record<string, string | undefined>>;
}

function processOf(): NodeProcess | undefined {
  return (globalThis as { readonly process?: NodeProcess }).process;
}

async function openStore(folder: string | undefined): Promise<TuningStore> {
  if (processOf()?.versions?.node) {
    // A browser never takes this way, and a bundler must not follow it.
    const { diskStore } = await import(
      /* @vite-ignore */ /* webpackIgnore: true */ "./tuning-disk.ts"
    );
    return diskStore(folder);
  }
  const { indexedDbStore } = await import("./tuning-indexeddb.ts");
  return indexedDbStore();
}
