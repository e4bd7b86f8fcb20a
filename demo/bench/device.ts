import { openDevice } from "../../src/kernels/index.ts";

/** What the largest product of the page needs: 2048×2048 floats in one binding. */
const NEEDED = {
  maxStorageBufferBindingSize: 4 * 2048 ** 2,
  maxComputeInvocationsPerWorkgroup: 256,
};

/**
 * Opens this browser's device.
 *
 * @throws {Error} whose message tells three cases apart: no WebGPU, no adapter, a limit that is too low.
 */
export async function openPageDevice(): Promise<GPUDevice> {
  const gpu: GPU | undefined = navigator.gpu;
  if (!gpu) {
    throw new Error(
      isSecureContext
        ? "No WebGPU: this browser does not have it. Chrome, Edge, Safari 26 and Firefox 141 do."
        : "No WebGPU: browsers offer it only to pages from https or localhost.",
    );
  }
  const adapter = await gpu.requestAdapter();
  if (!adapter) {
    throw new Error(
      "No adapter: the browser has WebGPU but finds no GPU that it can use. Its page about:gpu tells more.",
    );
  }
  for (const [limit, needed] of Object.entries(NEEDED)) {
    const has = Number(Reflect.get(adapter.limits, limit));
    if (has < needed)
      throw new Error(`A limit is too low: ${limit} is ${has}, ${needed} is needed.`);
  }
  return openDevice();
}
