import type { Contender, ContenderSource } from "./peers/contender.ts";
import type { ContenderRecord } from "./record.ts";

/** Opens each in turn; who cannot be opened is recorded with the reason. */
export async function openContenders(
  sources: readonly ContenderSource[],
): Promise<{ readonly open: Contender[]; readonly records: ContenderRecord[] }> {
  const open: Contender[] = [];
  const records: ContenderRecord[] = [];
  for (const { name, group, open: start } of sources) {
    try {
      const contender = await start();
      open.push(contender);
      const { version, note } = contender;
      records.push({ name, group, version, status: "ran", ...(note ? { note } : {}) });
    } catch (error) {
      records.push({
        name,
        group,
        version: "",
        status: "unavailable",
        reason: firstLine(error instanceof Error ? error.message : String(error)),
      });
    }
  }
  return { open, records };
}

function firstLine(text: string): string {
  return text.split("\n")[0]!;
}
