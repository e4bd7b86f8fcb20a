// @ts-check

/**
 * @file How a product is cut into panels. A panel of A (m×k) times a panel of B (k×n) is one call of
 * a compiled kernel, and every panel of a product has the same shape, padded with zeros at the edge.
 */

/**
 * A shape of panels or of a whole product.
 *
 * @typedef {{ readonly m: number, readonly k: number, readonly n: number }} GemmShape
 */

/**
 * An operation count and a size that no panel exceeds, those of 640×640 times 640×640: 20 ms at
 * 25 GFLOP/s, soon over on a processor ten times slower, too, and 1.6 MiB a matrix.
 */
const MOST_PRODUCTS = 640 ** 3;
const MOST_ELEMENTS = 640 ** 2;

/** jax-js makes vector code only where n is a multiple of 4, and blocks of 4 rows are its fastest. */
const VECTOR = 4;

/**
 * jax-js compiles an operand of fewer elements into the kernel as a constant when they are all equal:
 * a kernel for every such value. Operands are therefore padded to this size.
 */
const FEWEST_ELEMENTS = 128;

/**
 * The shape of every panel of a product. A new shape costs a compilation and a first run of slow
 * code, so lengths are rounded up to one of 32 steps an octave: at most 1/32 of padding on a side, or
 * up to the next multiple of 4, in exchange for fewer shapes. The steps also see to it that k has a
 * divisor near 64, by which jax-js cuts it.
 *
 * @param {GemmShape} shape
 * @returns {GemmShape}
 */
export function planPanels(shape) {
  const parts = { m: 1, k: 1, n: 1 };
  for (;;) {
    const m = evenLength(shape.m / parts.m, VECTOR);
    const n = evenLength(shape.n / parts.n, VECTOR);
    const k = evenLength(Math.max(shape.k / parts.k, FEWEST_ELEMENTS / Math.min(m, n)), 1);
    const elements = Math.max(m * k, k * n, m * n);
    if (elements <= MOST_ELEMENTS && m * k * n <= MOST_PRODUCTS) return { m, k, n };
    if (k >= m && k >= n) parts.k += 1;
    else if (m >= n) parts.m += 1;
    else parts.n += 1;
  }
}

/**
 * What no panel of the native library exceeds: 14 ms at 150 GFLOP/s, one core's, and 16 MiB a matrix.
 * It takes any shape and packs its operands itself. In one piece 2048×2048×2048 runs at half the speed.
 */
const MOST_NATIVE_PRODUCTS = 1024 ** 3;
const MOST_NATIVE_ELEMENTS = 2048 ** 2;

/** A shorter inner length rounds less often, and is added up in JavaScript more often. */
const MOST_NATIVE_INNER = 1024;

/**
 * The shape of the panels for the native library; those at the edges are smaller. They are whole rows
 * of B and C where that is possible, which need no copy.
 *
 * @param {GemmShape} shape
 * @returns {GemmShape}
 */
export function planNativePanels(shape) {
  const k = evenPart(shape.k, MOST_NATIVE_INNER);
  const n = evenPart(shape.n, Math.floor(MOST_NATIVE_ELEMENTS / k));
  const mostRows = Math.min(MOST_NATIVE_PRODUCTS / (k * n), MOST_NATIVE_ELEMENTS / Math.max(k, n));
  return { m: evenPart(shape.m, Math.max(1, Math.floor(mostRows))), k, n };
}

/**
 * How often a term of a sum over `inner` elements is rounded at most when it is summed in panels of
 * `panel` each, in whatever order, and those are added up in order.
 *
 * @param {number} inner
 * @param {number} panel
 */
export function panelRoundings(inner, panel) {
  return Math.min(inner, Math.min(panel, inner) + Math.ceil(inner / panel) - 1);
}

/**
 * The length of the parts when `length` is cut into as few even ones as are no longer than `most`.
 *
 * @param {number} length
 * @param {number} most
 */
export function evenPart(length, most) {
  return Math.ceil(length / Math.ceil(length / most));
}

/**
 * A length of at least `least`, rounded up.
 *
 * @param {number} least
 * @param {number} multiple
 */
function evenLength(least, multiple) {
  const length = Math.ceil(least);
  const step = Math.max(multiple, 2 ** Math.floor(Math.log2(length)) / 32);
  return Math.ceil(length / step) * step;
}

/**
 * One panel of a contiguous row-major matrix, zeros where the matrix ends. A view of `source` where
 * the panel is one, else written to `scratch`.
 *
 * @param {{ readonly rows: number, readonly cols: number, readonly data: Float32Array }} source
 * @param {{ readonly row: number, readonly col: number, readonly rows: number, readonly cols: number }} part
 *   inside or across the lower right edge of `source`
 * @param {Float32Array} scratch rows·cols elements, overwritten
 * @returns {Float32Array}
 */
export function panelOf(source, { row, col, rows, cols }, scratch) {
  const height = Math.min(rows, source.rows - row);
  const width = Math.min(cols, source.cols - col);
  const whole = height === rows && cols === source.cols;
  if (whole) return source.data.subarray(row * cols, (row + rows) * cols);
  for (let i = 0; i < height; i++) {
    const start = (row + i) * source.cols + col;
    scratch.set(source.data.subarray(start, start + width), i * cols);
    scratch.fill(0, i * cols + width, (i + 1) * cols);
  }
  return scratch.fill(0, height * cols);
}

/**
 * C += panel, the part of it that is inside C. With `first`, C = panel.
 *
 * @param {{ readonly rows: number, readonly cols: number, readonly data: Float32Array }} c
 * @param {{ readonly row: number, readonly col: number, readonly rows: number, readonly cols: number }} part
 * @param {Float32Array} panel rows·cols elements
 * @param {boolean} first
 */
export function addPanel(c, { row, col, rows, cols }, panel, first) {
  const height = Math.min(rows, c.rows - row);
  const width = Math.min(cols, c.cols - col);
  for (let i = 0; i < height; i++) {
    const from = panel.subarray(i * cols, i * cols + width);
    const start = (row + i) * c.cols + col;
    if (first) {
      c.data.set(from, start);
      continue;
    }
    const to = c.data.subarray(start, start + width);
    for (let j = 0; j < width; j++)
      to[j] = /** @type {number} */ (to[j]) + /** @type {number} */ (from[j]);
  }
}
