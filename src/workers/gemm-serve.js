// @ts-check

/**
 * @file What every thread of a CPU worker does, whatever library multiplies in it: one task at a time,
 * which is what it is sent, listening between panels. Plain JavaScript, as are the files that it works
 * with, because Node 20 starts a thread from these very files.
 */

/** @import { FromThread, PanelGemm, ToThread } from "./thread-messages.ts" */

/**
 * Answers the messages of the thread that started this one, until it is told to stop.
 *
 * @param {() => Promise<PanelGemm>} open called once; where it rejects, every task fails with that
 */
export function serveGemm(open) {
  const port = openPort();
  const gemm = open();
  gemm.then(
    ({ arithmetic }) => port.post({ type: "ready", arithmetic }),
    (error) => port.post({ type: "unready", error }),
  );
  /** @type {AbortController | undefined} */
  let running;

  port.listen((message) => {
    if (message.type === "multiply") void multiply(message);
    else running?.abort();
    if (message.type === "stop") {
      port.post({ type: "stopped" });
      port.close();
    }
  });

  /** @param {Extract<ToThread, { type: "multiply" }>} message */
  async function multiply({ shape, a, b }) {
    running = new AbortController();
    const { signal } = running;
    const operands = [a, b];
    const lent = [a.buffer, b.buffer];
    port.post({ type: "started" });
    try {
      const { multiply, kernels } = await gemm;
      const c = await multiply(shape, a, b, signal);
      port.post({ type: "done", c, operands, kernels: kernels() }, [c.buffer, ...lent]);
    } catch (error) {
      if (signal.aborted) port.post({ type: "aborted", operands }, lent);
      else port.post({ type: "failed", operands, error }, lent);
    }
  }
}

/**
 * The way to the thread that started this one, in Node and in browsers.
 *
 * @returns {{
 *   post: (message: FromThread, transfer?: ArrayBuffer[]) => void,
 *   listen: (onMessage: (message: ToThread) => void) => void,
 *   close: () => void,
 * }}
 */
function openPort() {
  const { parentPort } = globalThis.process?.getBuiltinModule?.("node:worker_threads") ?? {};
  if (parentPort) {
    return {
      post: (message, transfer) => parentPort.postMessage(message, /** @type {any} */ (transfer)),
      listen: (onMessage) => parentPort.on("message", onMessage),
      close: () => parentPort.close(),
    };
  }
  return {
    post: (message, transfer) => postMessage(message, /** @type {any} */ ({ transfer })),
    listen: (onMessage) => addEventListener("message", ({ data }) => onMessage(data)),
    close: () => globalThis.close(),
  };
}
