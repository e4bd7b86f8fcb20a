import { test } from "vitest";

/** Stands in for tests of the native CPU worker where onnxruntime-node is not installed: a loud skip. */
export function reportMissingOrt(name: string): void {
  const missing = "the package onnxruntime-node is not installed: npm ci";
  // biome-ignore lint/suspicious/noConsole: what is skipped must say so where people look
  console.warn(`SKIPPED "${name}": ${missing}`);
  test(`${name} needs onnxruntime-node`, (context) => context.skip(missing));
}
