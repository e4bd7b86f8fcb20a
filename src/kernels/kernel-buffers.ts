import { InputError, ShapeError } from "../core/errors.ts";
import { type BindingWindow, extentBytes, type StoredMatrix } from "./tiling.ts";

/** Binds the part of a buffer that a tile needs. */
export function bindingOf(buffer: GPUBuffer, window: BindingWindow): GPUBufferBinding {
  return { buffer, offset: window.offsetBytes, size: window.sizeBytes };
}

/**
 * @throws {InputError} when there is no buffer.
 * @throws {ShapeError} when `buffer` is too short for what is to be stored in it.
 */
export function requireBuffer(name: string, buffer: GPUBuffer, stored: StoredMatrix): void {
  if (typeof buffer?.size !== "number") {
    throw new InputError(`buffer ${name} must be a GPUBuffer, got ${String(buffer)}`);
  }
  const needed = extentBytes(stored);
  if (buffer.size < needed) {
    throw new ShapeError(`buffer ${name} must have ${needed} bytes, got ${buffer.size}`);
  }
}
