// @ts-check

/**
 * @file The thread of a CPU worker that multiplies with onnxruntime-node, which only Node has. Where
 * that cannot be loaded and need not be, it multiplies in WebAssembly and says why.
 */

import { serveGemm } from "./gemm-serve.js";
import { openOrtGemm } from "./ort-gemm.js";

const { workerData } = process.getBuiltinModule("node:worker_threads");

serveGemm(workerData?.arithmetic === "native" ? openOrtGemm : openEither);

async function openEither() {
  try {
    return await openOrtGemm();
  } catch (error) {
    await import("./one-thread.js"); // before jax-js, which looks for `Worker` when it is loaded
    const { openPanelGemm } = await import("./panel-gemm.js");
    const gemm = await openPanelGemm();
    const reason = error instanceof Error ? error.message : String(error);
    return { ...gemm, arithmetic: { ...gemm.arithmetic, reason } };
  }
}
