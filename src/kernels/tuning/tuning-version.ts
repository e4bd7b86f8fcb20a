import * as shaders from "../shaders.generated.ts";

/** Raise this when configurations get another meaning while the shaders stay as they are. */
const PLANNER = 1;

let known: string | undefined;

/**
 * Tells the kernels of this release from those of others: a hash over the text of all shaders that
 * multiply. What was measured with other kernels says nothing about these.
 */
export function kernelsVersion(): string {
  known ??= `${PLANNER}-${textHash(shaderTexts())}`;
  return known;
}

function shaderTexts(): string {
  const texts = Object.entries(shaders).filter(([name]) => /^(gemm|split|line)/.test(name));
  return JSON.stringify(texts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** 64 bits of FNV-1a in hexadecimal: names files and tells versions apart, guards nothing. */
export function textHash(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}
