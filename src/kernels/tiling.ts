/**
 * @file Cutting work so that every dispatch fits a device: windows of buffers no larger than a
 * binding may be, at offsets that a binding may have. Pure arithmetic on counts of elements.
 */

import { DeviceLimitError, InputError, ShapeError } from "../core/errors.ts";

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** The limits that decide how a kernel is tiled. Every `GPUDevice` has them. */
export type KernelLimits = Pick<
  GPUSupportedLimits,
  | "maxBufferSize"
  | "maxStorageBufferBindingSize"
  | "minStorageBufferOffsetAlignment"
  | "minUniformBufferOffsetAlignment"
  | "maxComputeWorkgroupsPerDimension"
>;

/** What a planner reads of a device. */
export interface LimitedDevice {
  readonly limits: KernelLimits;
}

/** A rows×cols matrix inside a buffer: element (i, j) is number offset + i·rowStride + j. */
export interface StoredMatrix {
  readonly rows: number;
  readonly cols: number;
  /** Elements from one row to the next, at least `cols`. */
  readonly rowStride: number;
  /** Elements before the first. */
  readonly offset: number;
  /** Bytes of an element: 4, the default, for float32; 2 for halves. */
  readonly elementBytes?: 4 | 2;
  /** Several matrices of this layout, the next one `stride` elements after the one before. */
  readonly batch?: { readonly count: number; readonly stride: number };
}

/** The half-open range first … first+count-1. */
export interface Span {
  readonly first: number;
  readonly count: number;
}

/** One binding of a part of a buffer. */
export interface BindingWindow {
  /** A multiple of `minStorageBufferOffsetAlignment`. */
  readonly offsetBytes: number;
  /** At most `maxStorageBufferBindingSize`. */
  readonly sizeBytes: number;
  /** Elements from the start of the window to the first element of the part. */
  readonly base: number;
}

/**
 * The smallest window that holds the rows and columns of `part`, of the first matrix or of `items` of
 * the batch.
 *
 * It fits a binding when the part fits `windowCapacity`.
 */
export function windowOf(
  stored: StoredMatrix,
  part: { readonly rows: Span; readonly cols: Span; readonly items?: Span },
  limits: KernelLimits,
): BindingWindow {
  const { elementBytes = FLOAT_BYTES, batch } = stored;
  const { items = { first: 0, count: 1 } } = part;
  const alignment = alignmentElements(limits, elementBytes);
  const stride = batch?.stride ?? 0;
  const start = stored.offset + items.first * stride;
  const first = start + part.rows.first * stored.rowStride + part.cols.first;
  const base = first % alignment;
  const length =
    (items.count - 1) * stride + spanLength(part.rows.count, part.cols.count, stored.rowStride);
  return {
    offsetBytes: (first - base) * elementBytes,
    sizeBytes: wholeWords((base + length) * elementBytes),
    base,
  };
}

/**
 * How many elements from first to last a part may span and fit one binding wherever it begins: the
 * start of a window is rounded down to the alignment, and that costs up to alignment-1 elements.
 *
 * @throws {DeviceLimitError} when a binding may not even be as long as the alignment.
 */
export function windowCapacity(limits: KernelLimits, elementBytes: number = FLOAT_BYTES): number {
  const words = Math.floor(limits.maxStorageBufferBindingSize / FLOAT_BYTES) * FLOAT_BYTES;
  const capacity = words / elementBytes - alignmentElements(limits, elementBytes) + 1;
  if (capacity < 1) {
    throw new DeviceLimitError(
      `no window of a buffer fits: bindings of at most ${limits.maxStorageBufferBindingSize} bytes ` +
        `at multiples of ${limits.minStorageBufferOffsetAlignment}`,
    );
  }
  return capacity;
}

/** Elements from the first to the last of `rows` rows of `cols` elements, both included. */
export function spanLength(rows: number, cols: number, rowStride: number): number {
  return (rows - 1) * rowStride + cols;
}

/**
 * The largest part, at most rows×cols, that spans no more than `capacity` elements. Rows are given up
 * before columns: a narrower part spans as much as long as it has two rows.
 */
export function fitPart(
  part: { readonly rows: number; readonly cols: number },
  rowStride: number,
  capacity: number,
): { readonly rows: number; readonly cols: number } {
  const cols = Math.min(part.cols, capacity);
  const rows = Math.min(part.rows, Math.floor((capacity - cols) / rowStride) + 1);
  return { rows, cols };
}

/**
 * Cuts 0 … total-1 into the fewest spans of at most `max`, of nearly equal length. All but the last
 * are multiples of `granule` wherever `max` allows one.
 */
export function split(total: number, max: number, granule = 1): Span[] {
  const largest = max >= granule ? max - (max % granule) : max;
  const parts = total <= max ? 1 : Math.ceil(total / largest);
  const even = Math.ceil(total / parts);
  const step = parts === 1 || max < granule ? even : Math.ceil(even / granule) * granule;
  const spans: Span[] = [];
  for (let first = 0; first < total; first += step) {
    spans.push({ first, count: Math.min(step, total - first) });
  }
  return spans;
}

/** Bytes that a buffer must have to hold `stored`. */
export function extentBytes(stored: StoredMatrix): number {
  const { offset, rows, cols, rowStride, elementBytes = FLOAT_BYTES, batch } = stored;
  const before = offset + (batch ? (batch.count - 1) * batch.stride : 0);
  return wholeWords((before + spanLength(rows, cols, rowStride)) * elementBytes);
}

/**
 * Checks a layout that came from a caller. `name` is what the caller calls it.
 *
 * @throws {ShapeError} when rows overlap.
 * @throws {InputError} when the offset is no integer of at least 0.
 * @throws {DeviceLimitError} when no buffer of the device can hold it.
 */
export function requireStored(name: string, stored: StoredMatrix, limits: KernelLimits): void {
  const { rowStride, cols, offset } = stored;
  if (!Number.isSafeInteger(rowStride) || rowStride < cols) {
    throw new ShapeError(
      `${name}: the row stride must be an integer of at least ${cols}, got ${rowStride}`,
    );
  }
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new InputError(`${name}: the offset must be an integer of at least 0, got ${offset}`);
  }
  const bytes = extentBytes(stored);
  if (bytes > limits.maxBufferSize) {
    throw new DeviceLimitError(
      `${name} needs a buffer of ${bytes} bytes; the device allows ${limits.maxBufferSize}`,
    );
  }
}

/** @throws {ShapeError} when `value` is no positive integer. */
export function requireCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new ShapeError(`${name} must be a positive integer, got ${String(value)}`);
  }
}

function alignmentElements(limits: KernelLimits, elementBytes: number): number {
  return limits.minStorageBufferOffsetAlignment / elementBytes;
}

/** Bindings and copies go by words of four bytes. */
function wholeWords(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
