import { z } from "zod";

import type { GemmTuning } from "./tuning.ts";

/** Raise this when the form of a stored text changes: others are then ignored. */
const FORMAT = 1;

const choice = z.object({
  family: z.string().min(1),
  config: z.record(z.string(), z.number()),
});
const stored = z.object({
  format: z.literal(FORMAT),
  /** `kernelsVersion` of those that were measured. */
  kernels: z.string(),
  /** `deviceKey`, as an object so that people can read it. */
  device: z.record(z.string(), z.unknown()),
  choices: z.record(z.string(), choice),
});

/** Whose results a text holds. */
export interface TuningOwner {
  /** From `deviceKey`. */
  readonly key: string;
  /** From `kernelsVersion`. */
  readonly kernels: string;
}

/** The text under which choices are kept. */
export function storedText({ key, kernels }: TuningOwner, { choices }: GemmTuning): string {
  const device: unknown = JSON.parse(key);
  return `${JSON.stringify({ format: FORMAT, kernels, device, choices }, null, 2)}\n`;
}

/** What a text holds for an owner, or why it is of no use. */
export function readStored(
  text: string,
  { key, kernels }: TuningOwner,
): { readonly tuning: GemmTuning } | { readonly unusable: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { unusable: "it is damaged: no JSON" };
  }
  const checked = stored.safeParse(json);
  if (!checked.success) {
    const { path, message } = checked.error.issues[0]!;
    return { unusable: `it is damaged or of another release: ${path.join(".")}: ${message}` };
  }
  const { data } = checked;
  if (data.kernels !== kernels) return { unusable: "it was measured with other kernels" };
  if (JSON.stringify(data.device) !== key) return { unusable: "it is of another device" };
  // Families are those of these very kernels; the planner checks each choice against the device.
  return { tuning: { choices: data.choices } as GemmTuning };
}
