import { createStore, get, set } from "idb-keyval";

import type { TuningStore } from "./tuning-store.ts";

const DATABASE = "anyk";

/** Texts in the IndexedDB of this origin. */
export function indexedDbStore(): TuningStore {
  const store = createStore(DATABASE, "tuning");
  return {
    async read(name) {
      const text: unknown = await get(name, store);
      return typeof text === "string" ? text : undefined;
    },
    async write(name, text) {
      await set(name, text, store);
      return `IndexedDB ${DATABASE}/${name}`;
    },
  };
}
