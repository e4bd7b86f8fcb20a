/**
 * Whether this is Node and the package onnxruntime-node, an optional peer, is installed where anyk can
 * see it. Whether its binary runs on this machine, only loading it tells.
 */
export function isOrtInstalled(): boolean {
  const node = globalThis.process?.getBuiltinModule?.("node:module");
  if (!node) return false;
  try {
    node.createRequire(import.meta.url).resolve("onnxruntime-node");
    return true;
  } catch {
    return false;
  }
}
