import { DeviceLimitError } from "../core/errors.ts";
import type { GemmShape } from "./operands.ts";

/** Sides are cut to multiples of this, which fill the tiles of every kernel. */
const GRANULE = 32;

/**
 * The largest panels, m×k times k×n, that a device holds: each matrix within a buffer, and all of
 * them, with C once more for reading it back, within `budgetBytes`. The whole product if it fits.
 *
 * @throws {DeviceLimitError} when not even the smallest panel fits.
 */
export function planGpuPanels(
  shape: GemmShape,
  limits: { readonly maxBufferSize: number; readonly budgetBytes: number },
): GemmShape {
  const panel = { ...shape };
  while (!fits(panel, limits)) {
    const side = longestSide(panel);
    if (panel[side] <= GRANULE) {
      const { m, k, n } = shape;
      throw new DeviceLimitError(
        `no panel of ${m}×${k}×${n} fits buffers of ${limits.maxBufferSize} bytes ` +
          `and ${limits.budgetBytes} bytes together`,
      );
    }
    panel[side] = Math.ceil(panel[side] / 2 / GRANULE) * GRANULE;
  }
  return panel;
}

/** Bytes of the three matrices of a panel. */
export function panelBytes({ m, k, n }: GemmShape): { a: number; b: number; c: number } {
  const element = Float32Array.BYTES_PER_ELEMENT;
  return { a: m * k * element, b: k * n * element, c: m * n * element };
}

function fits(
  panel: GemmShape,
  limits: { readonly maxBufferSize: number; readonly budgetBytes: number },
): boolean {
  const { a, b, c } = panelBytes(panel);
  return Math.max(a, b, c) <= limits.maxBufferSize && a + b + 2 * c <= limits.budgetBytes;
}

function longestSide({ m, k, n }: GemmShape): keyof GemmShape {
  if (k >= m && k >= n) return "k";
  return m >= n ? "m" : "n";
}
