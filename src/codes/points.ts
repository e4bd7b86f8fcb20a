import { CodeParameterError } from "../core/errors.ts";

/**
 * Where a polynomial code is evaluated: a named set, or N distinct reals.
 *
 * - "integers": 1 … N. What papers write; unusable in floating point beyond a handful of parts.
 * - "equispaced": N points from -1 to 1.
 * - "chebyshev": cos((2r+1)π / 2N), the zeros of T_N: the default, and far better conditioned. In Leja's
 *   order: tasks are handed out in order, so the products that arrive first are mostly those of the
 *   first points, and these should be spread out, not crowded at one end.
 * - "unit-circle": complex, so only codes whose tasks are complex products take it.
 */
export type Points = "integers" | "equispaced" | "chebyshev" | "unit-circle" | readonly number[];

/**
 * N distinct finite reals.
 *
 * @throws {CodeParameterError} when a list has another length, repeats a point or is not finite, and
 *   for "unit-circle".
 */
export function realPoints(points: Points, tasks: number): readonly number[] {
  if (points === "integers") return Array.from({ length: tasks }, (_, r) => r + 1);
  if (points === "equispaced") {
    return Array.from({ length: tasks }, (_, r) => (tasks === 1 ? 0 : (2 * r) / (tasks - 1) - 1));
  }
  if (points === "chebyshev") return lejaOrder(chebyshevPoints(tasks));
  if (points === "unit-circle") {
    throw new CodeParameterError(
      'points must be real for this code, got "unit-circle": a task here is one real product',
    );
  }
  if (!Array.isArray(points)) {
    throw new CodeParameterError(
      `points must be "integers", "equispaced", "chebyshev" or a list of numbers, got ${String(points)}`,
    );
  }
  const list: readonly number[] = points;
  if (list.length !== tasks || new Set(list).size !== tasks || !list.every(Number.isFinite)) {
    const shown = list.slice(0, 8).join(", ") + (list.length > 8 ? ", …" : "");
    throw new CodeParameterError(
      `points must be ${tasks} distinct finite numbers, got ${list.length}: [${shown}]`,
    );
  }
  return [...list];
}

/** The zeros of the Chebyshev polynomial T_N, in descending order. */
function chebyshevPoints(count: number): readonly number[] {
  return Array.from({ length: count }, (_, r) => Math.cos(((2 * r + 1) * Math.PI) / (2 * count)));
}

/** The largest point first, then always the one with the largest product of distances to those before. */
function lejaOrder(points: readonly number[]): readonly number[] {
  const left = points.map((x) => ({ x, logDistance: Math.log(Math.abs(x)) }));
  const ordered: number[] = [];
  while (left.length > 0) {
    const next = left.reduce((best, point) =>
      point.logDistance > best.logDistance ? point : best,
    );
    left.splice(left.indexOf(next), 1);
    for (const point of left) {
      const distance = Math.log(Math.abs(point.x - next.x));
      point.logDistance = ordered.length === 0 ? distance : point.logDistance + distance;
    }
    ordered.push(next.x);
  }
  return ordered;
}

/** How a set of points is named in a code's name. */
export function pointsName(points: Points): string {
  return typeof points === "string" ? points : "given";
}

/**
 * `x^degree` over the largest magnitude that x takes among 0 … `highest`: x^degree itself for
 * |x| ≤ 1, and at most 1 everywhere, so that coefficients stay inside float32's range. Scaling a
 * whole row of a table changes nothing but the scale of one product, which decoding undoes.
 */
export function scaledPower(x: number, degree: number, highest: number): number {
  const size = Math.abs(x);
  if (size <= 1) return x ** degree;
  return Math.sign(x) ** degree * size ** (degree - highest);
}
