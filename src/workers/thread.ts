import type { FromThread, ThreadAnswer, ToThread } from "./thread-messages.ts";

/** A running gemm thread, the same in Node and in browsers. */
export interface GemmThread {
  /** Sends a message. The memory of the `transfer` list moves to the thread. */
  post(message: ToThread, transfer?: readonly ArrayBuffer[]): void;
  /** Whether the thread keeps this process alive. Browsers know no such thing. */
  keepAlive(needed: boolean): void;
  /** Ends the thread in the middle of whatever it does. `onEnd` is called if it still ran. */
  terminate(): void;
}

export interface GemmThreadListeners {
  readonly onAnswer: (answer: ThreadAnswer) => void;
  /** Called once, when the thread is gone, whether it was asked to stop or died of `cause`. */
  readonly onEnd: (cause: Error) => void;
}

/**
 * Starts a thread that multiplies in WebAssembly or, only in Node, with onnxruntime-node: "auto" where
 * that can be loaded, "native" or not at all. What is sent before it has loaded waits for it.
 */
export function startGemmThread(
  listeners: GemmThreadListeners,
  arithmetic: "wasm" | "native" | "auto",
): GemmThread {
  const node = globalThis.process?.getBuiltinModule?.("node:worker_threads");
  return node ? startInNode(node, listeners, arithmetic) : startInBrowser(listeners);
}

function startInNode(
  { Worker }: typeof import("node:worker_threads"),
  { onAnswer, onEnd }: GemmThreadListeners,
  arithmetic: "wasm" | "native" | "auto",
): GemmThread {
  const file =
    arithmetic === "wasm"
      ? new URL(/* @vite-ignore */ "./gemm-thread.js", import.meta.url)
      : new URL(/* @vite-ignore */ "./ort-thread.js", import.meta.url);
  const worker = new Worker(file, {
    name: "anyk cpu worker",
    workerData: { arithmetic },
    execArgv: [], // flags like --input-type or a loader are meant for the main thread
  });
  let cause: Error | undefined;
  const die = (error: Error) => {
    cause ??= error;
    void worker.terminate(); // "exit" follows
  };
  worker.on("error", die);
  worker.on("messageerror", die);
  worker.on("exit", (code) => onEnd(cause ?? new Error(`it ended with exit code ${code}`)));
  worker.on("message", (message: FromThread) => {
    if (message.type !== "stopped") onAnswer(message); // "exit" follows
  });
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    keepAlive: (needed) => (needed ? worker.ref() : worker.unref()),
    terminate: () => void worker.terminate(),
  };
}

function startInBrowser({ onAnswer, onEnd }: GemmThreadListeners): GemmThread {
  // Bundlers recognise a worker by exactly this expression.
  const worker = new Worker(new URL("./gemm-thread.js", import.meta.url), { type: "module" });
  let ended = false;
  const end = (cause: Error) => {
    if (ended) return;
    ended = true;
    worker.terminate();
    onEnd(cause);
  };
  worker.onmessage = ({ data }: MessageEvent<FromThread>) => {
    if (data.type === "stopped") end(new Error("it was asked to stop"));
    else onAnswer(data);
  };
  worker.onmessageerror = () => end(new Error("its message could not be read"));
  worker.onerror = (event) => {
    event.preventDefault();
    end(new Error(event.message || "its script could not be loaded"));
  };
  return {
    post(message, transfer = []) {
      worker.postMessage(message, [...transfer]);
    },
    keepAlive() {},
    terminate: () => end(new Error("it was terminated")),
  };
}
