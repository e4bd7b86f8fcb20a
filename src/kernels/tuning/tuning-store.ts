/** Keeps texts by name. */
export interface TuningStore {
  /** Undefined where there is none. */
  read(name: string): Promise<string | undefined>;
  /**
   * Replaces the text as a whole or not at all.
   *
   * @returns where it is now, for people.
   */
  write(name: string, text: string): Promise<string>;
}
