// @ts-check

/**
 * Lets a thread see its messages and a page its events. Browsers hold repeated timers back by 4 ms, but
 * not messages.
 *
 * @returns {Promise<void>}
 */
export function nextMacrotask() {
  if (typeof setImmediate === "function") {
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve(undefined);
    };
    port2.postMessage(undefined);
  });
}
