/**
 * The flags of the WebGPU specification (`GPUBufferUsage`) that kernels need. Browsers have them as globals, but Node has them only once
 * this package has loaded Dawn itself, and a caller's device may come from elsewhere.
 */
export const BufferUsage = {
  MAP_READ: 0x0001,
  COPY_SRC: 0x0004,
  COPY_DST: 0x0008,
  UNIFORM: 0x0040,
  STORAGE: 0x0080,
} as const;

/** `GPUMapMode.READ`. */
export const MAP_READ_MODE = 0x0001;
