import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** Serves demo/bench.html with the peers out of bench/node_modules: `npm run bench:page`. */
const repository = fileURLToPath(new URL("../..", import.meta.url));
/** Without them there is no SharedArrayBuffer, and WebAssembly computes on one thread. */
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  cacheDir: fileURLToPath(new URL("../../bench/node_modules/.vite", import.meta.url)),
  server: { headers, open: false, fs: { allow: [repository] } },
  preview: { headers },
  optimizeDeps: {
    entries: ["bench.html"],
    // It finds its WebAssembly beside itself.
    exclude: ["onnxruntime-web"],
  },
});
