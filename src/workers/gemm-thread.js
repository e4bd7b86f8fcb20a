// @ts-check

/** @file The thread of a CPU worker that multiplies in WebAssembly, in Node and in browsers. */

// Before jax-js, which looks for `Worker` when it is loaded.
import "./one-thread.js";
import { serveGemm } from "./gemm-serve.js";
import { openPanelGemm } from "./panel-gemm.js";

serveGemm(openPanelGemm);
