// @ts-check

/**
 * @file C = A·B in float32 by onnxruntime-node's CPU provider (MLAS), panel by panel, as a run of it
 * cannot be interrupted.
 *
 * Rounding: MLAS adds the k' products of a panel in an order of its own, fused or not, which makes at
 * most k' roundings for each; panels are added in order. No product takes part in more than
 * r = k' + ⌈k/k'⌉ − 1 roundings: |Ĉ − C| ≤ γ_r |A||B|.
 */

import { matMulModel } from "./ort-model.js";
import { addPanel, panelOf, planNativePanels } from "./panels.js";

/** @import { InferenceSession, Tensor } from "onnxruntime-node" */
/** @import { GemmShape } from "./panels.js" */
/** @import { PanelGemm } from "./thread-messages.ts" */

/**
 * Loads onnxruntime-node and makes a session, which is for one thread.
 *
 * @returns {Promise<PanelGemm>}
 * @throws {Error} where the package is not installed, or its binary does not run here.
 */
export async function openOrtGemm() {
  const { env, InferenceSession, Tensor } = await loadOrt();
  env.logLevel = "error"; // else it warns on stderr about machines that it finds unusual
  const session = await InferenceSession.create(matMulModel(), {
    executionProviders: ["cpu"],
    // One worker is one thread: who wants more cores takes more workers.
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    // All memory is ours, and what the session would set aside for others is not used.
    enableCpuMemArena: false,
    enableMemPattern: false,
  });
  /** @type {MultiplyPanel} */
  const multiplyPanel = async (a, b, c, { m, k, n }) => {
    const feeds = { A: tensor(a, m, k), B: tensor(b, k, n) };
    await session.run(feeds, { C: tensor(c, m, n) });
  };
  /** @param {Float32Array} data @param {number} rows @param {number} cols */
  const tensor = (data, rows, cols) => new Tensor("float32", data, [rows, cols]);
  const version = env.versions.node ?? env.versions.common;
  return {
    arithmetic: { kind: "native", description: `onnxruntime-node ${version}` },
    kernels: () => 0, // nothing is compiled
    multiply: (shape, a, b, signal) => multiplyInPanels(shape, { a, b }, multiplyPanel, signal),
  };
}

/** @returns {Promise<typeof import("onnxruntime-node")>} */
async function loadOrt() {
  const module = await import("onnxruntime-node");
  return /** @type {any} */ (module).default ?? module;
}

/**
 * C (m·n, overwritten) = A (m·k) times B (k·n), all contiguous and row-major.
 *
 * @typedef {(a: Float32Array, b: Float32Array, c: Float32Array, shape: GemmShape) => Promise<void>} MultiplyPanel
 */

/**
 * @param {GemmShape} shape
 * @param {{ readonly a: Float32Array, readonly b: Float32Array }} operands
 * @param {MultiplyPanel} multiplyPanel lets messages in before every panel
 * @param {AbortSignal} signal
 */
async function multiplyInPanels({ m, k, n }, operands, multiplyPanel, signal) {
  const size = planNativePanels({ m, k, n });
  const a = { rows: m, cols: k, data: operands.a };
  const b = { rows: k, cols: n, data: operands.b };
  const c = { rows: m, cols: n, data: new Float32Array(m * n) };
  // Panels that are whole rows of a matrix are views, and need no memory.
  const scratch = {
    a: new Float32Array(size.k < k ? size.m * size.k : 0),
    b: new Float32Array(size.n < n ? size.k * size.n : 0),
    c: new Float32Array(size.n < n || size.k < k ? size.m * size.n : 0),
  };

  for (let col = 0; col < n; col += size.n) {
    const cols = Math.min(size.n, n - col);
    for (let inner = 0; inner < k; inner += size.k) {
      const depth = Math.min(size.k, k - inner);
      const bPart = { row: inner, col, rows: depth, cols };
      const bPanel = panelOf(b, bPart, scratch.b.subarray(0, depth * cols));
      for (let row = 0; row < m; row += size.m) {
        const rows = Math.min(size.m, m - row);
        const aPart = { row, col: inner, rows, cols: depth };
        const aPanel = panelOf(a, aPart, scratch.a.subarray(0, rows * depth));
        const isFirst = inner === 0;
        const isInPlace = isFirst && cols === n;
        const cPanel = isInPlace
          ? c.data.subarray(row * n, (row + rows) * n)
          : scratch.c.subarray(0, rows * cols);
        await multiplyPanel(aPanel, bPanel, cPanel, { m: rows, k: depth, n: cols });
        signal.throwIfAborted();
        if (!isInPlace) addPanel(c, { row, col, rows, cols }, cPanel, isFirst);
      }
    }
  }
  return c.data;
}
