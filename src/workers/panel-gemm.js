// @ts-check

/**
 * @file C = A·B in float32 by the WebAssembly back end of jax-js, panel by panel, so that memory is
 * bounded whatever the shape and nobody waits longer than one panel for the thread to listen.
 *
 * Rounding: a panel adds its k' products in order, and panels are added in order, so that no product
 * takes part in more than r = k' + ⌈k/k'⌉ − 1 roundings: |Ĉ − C| ≤ γ_r |A||B|.
 */

import { defaultDevice, init, numpy } from "@jax-js/jax";

import { nextMacrotask } from "./next-macrotask.js";
import { addPanel, panelOf, planPanels } from "./panels.js";

/** @import { GemmShape } from "./panels.js" */
/** @import { PanelGemm } from "./thread-messages.ts" */

/** How long the thread computes before it lets messages in. */
const PATIENCE_MS = 10;

/**
 * Initialises jax-js, which is one instance a thread. It multiplies with kernels that are compiled once
 * per panel shape and kept for the life of the thread.
 *
 * @returns {Promise<PanelGemm>}
 */
export async function openPanelGemm() {
  await init("wasm");
  defaultDevice("wasm");
  /** @type {Set<string>} */
  const shapes = new Set();
  return {
    arithmetic: { kind: "wasm", description: "WebAssembly" },
    kernels: () => shapes.size,
    multiply(shape, a, b, signal) {
      const size = planPanels(shape);
      shapes.add(`${size.m}×${size.k}×${size.n}`);
      return multiplyInPanels(shape, size, { a, b }, signal);
    },
  };
}

/**
 * @param {GemmShape} shape
 * @param {GemmShape} size of every panel
 * @param {{ readonly a: Float32Array, readonly b: Float32Array }} operands
 * @param {AbortSignal} signal
 */
async function multiplyInPanels({ m, k, n }, size, operands, signal) {
  const a = { rows: m, cols: k, data: operands.a };
  const b = { rows: k, cols: n, data: operands.b };
  const c = { rows: m, cols: n, data: new Float32Array(m * n) };
  const scratch = new Float32Array(Math.max(size.m, size.n) * size.k);
  let listened = performance.now();

  for (let col = 0; col < n; col += size.n) {
    for (let inner = 0; inner < k; inner += size.k) {
      const bPart = { row: inner, col, rows: size.k, cols: size.n };
      const bPanel = numpy.array(panelOf(b, bPart, scratch), { shape: [size.k, size.n] });
      try {
        for (let row = 0; row < m; row += size.m) {
          if (performance.now() - listened > PATIENCE_MS) {
            await nextMacrotask();
            listened = performance.now();
          }
          signal.throwIfAborted();
          const aPart = { row, col: inner, rows: size.m, cols: size.k };
          const aPanel = numpy.array(panelOf(a, aPart, scratch), { shape: [size.m, size.k] });
          // jax-js moves its arguments: `ref` keeps the panel of B for the next row of panels.
          const product = await numpy.matmul(aPanel, bPanel.ref).data();
          const cPart = { row, col, rows: size.m, cols: size.n };
          addPanel(c, cPart, /** @type {Float32Array} */ (product), inner === 0);
        }
      } finally {
        bPanel.dispose();
      }
    }
  }
  return c.data;
}
