import { limitsWith } from "./limits.ts";

/** A device that compiles and computes nothing, counts its buffers, and fails where it is told to. */
export function countingDevice(
  fails: {
    /** Every pipeline is refused. */
    readonly compile?: boolean;
    /** Number of the buffer, from 1 on, whose creation throws, or for which memory runs out. */
    readonly create?: number;
    readonly memory?: number;
    /** Every upload by way of the queue throws. */
    readonly write?: boolean;
  } = {},
): {
  readonly device: GPUDevice;
  /** Buffers that were made, and of those the ones not destroyed yet. */
  readonly buffers: { readonly made: number; readonly alive: number };
} {
  let made = 0;
  const alive = new Set<object>();
  const createBuffer = ({ size }: GPUBufferDescriptor) => {
    if (made + 1 === fails.create) throw new RangeError("no such buffer");
    made++;
    const buffer = {
      size,
      getMappedRange: () => new ArrayBuffer(size),
      unmap() {},
      destroy: () => void alive.delete(buffer),
    };
    alive.add(buffer);
    return buffer as object as GPUBuffer;
  };
  const scopes: GPUErrorFilter[] = [];
  const device: Partial<GPUDevice> = {
    limits: limitsWith().limits as GPUSupportedLimits,
    createBuffer,
    createShaderModule: () => ({}) as GPUShaderModule,
    createComputePipelineAsync: async () => {
      if (fails.compile) throw new Error("does not compile");
      return {} as GPUComputePipeline;
    },
    pushErrorScope: (filter) => void scopes.push(filter),
    popErrorScope: async () => {
      const isFull = scopes.pop() === "out-of-memory" && made >= (fails.memory ?? Infinity);
      return isFull ? ({ message: "full" } as GPUError) : null;
    },
    queue: {
      writeBuffer() {
        if (fails.write) throw new Error("not written");
      },
    } as Partial<GPUQueue> as GPUQueue,
  };
  const buffers = {
    get made() {
      return made;
    },
    get alive() {
      return alive.size;
    },
  };
  return { device: device as GPUDevice, buffers };
}
