/**
 * @file The part of gpu.js that is used here, by its shape: its own types would have to be installed by
 * everybody who checks types against anyk.
 */

import { describeReason, NoDeviceError } from "../core/errors.ts";

/** Where gpu.js computes. */
export type GpujsMode = "webgl2" | "webgl" | "cpu";

/** An instance of gpu.js' class `GPU`. */
export interface GpujsInstance {
  readonly mode: string;
  /** Of the type `WebGL2RenderingContext` or its like, once there is a kernel; none in CPU mode. */
  readonly context?: unknown;
  createKernel(source: string, settings: object): unknown;
  destroy(): Promise<void>;
}

/** Opens gpu.js in the mode asked for. */
export async function openGpujs(mode: GpujsMode | "auto"): Promise<GpujsInstance> {
  const library = await loadGpujs();
  const chosen = mode === "auto" ? bestMode(library) : mode;
  try {
    return new library.GPU({ mode: chosen });
  } catch (cause) {
    throw new NoDeviceError(`gpu.js has no mode "${chosen}" here: ${describeReason(cause)}`, {
      cause,
    });
  }
}

interface KernelClass {
  readonly isSupported: boolean;
  /** Set once `isSupported` has been asked for. */
  readonly features: { readonly isFloatRead: boolean } | null;
}

interface GpujsLibrary {
  readonly GPU: new (settings: { readonly mode: GpujsMode }) => GpujsInstance;
  readonly WebGL2Kernel: KernelClass;
  readonly WebGLKernel: KernelClass;
}

async function loadGpujs(): Promise<GpujsLibrary> {
  try {
    const module: { default?: GpujsLibrary } & object = await import("gpu.js");
    return module.default ?? (module as GpujsLibrary);
  } catch (cause) {
    throw new NoDeviceError(
      `the package gpu.js cannot be loaded (npm install gpu.js): ${describeReason(cause)}`,
      { cause },
    );
  }
}

/** WebGL only where it reads float32 back: anything less would not be the product. */
function bestMode({ WebGL2Kernel, WebGLKernel }: GpujsLibrary): GpujsMode {
  const works = (kernel: KernelClass) => kernel.isSupported && kernel.features?.isFloatRead;
  if (works(WebGL2Kernel)) return "webgl2";
  return works(WebGLKernel) ? "webgl" : "cpu";
}
