import type { BlockShape } from "../core/blocks.ts";
import { AnykError, ShapeError, WrongProductError } from "../core/errors.ts";
import { firstNonFinite, type Matrix, requireMatrix } from "../core/matrix.ts";
import type { Random } from "../core/random.ts";
import type { ComputeWorker, Task } from "../core/worker.ts";
import { freivalds } from "./freivalds.ts";

/**
 * What to hold against a worker's product: another shape, NaN or ±Inf out of finite operands, or,
 * when `verify` is set, a failed Freivalds check. Undefined when it counts.
 */
export function productObjection(options: {
  readonly block: BlockShape;
  readonly verify: boolean;
  readonly allowNonFinite: boolean;
  readonly random: Random;
}): (task: Task, product: Matrix, worker: ComputeWorker) => AnykError | undefined {
  const { block, verify, allowNonFinite, random } = options;
  return (task, product, worker) => {
    const malformed = shapeObjection(block, product);
    if (malformed) return malformed;
    const bad = firstNonFinite(product);
    if (bad && !allowNonFinite) {
      return new WrongProductError(
        `the product holds ${bad.value} at row ${bad.row}, column ${bad.col}, ` +
          "though its operands are finite: float32 overflow or a wrong worker",
      );
    }
    if (!verify || bad) return undefined;
    const shape = { rows: task.a.rows, inner: task.a.cols, cols: task.b.cols };
    const roundings = worker.roundings?.(shape) ?? shape.inner;
    const { passed, worst, row } = freivalds(task, product, { roundings, random });
    if (passed) return undefined;
    return new WrongProductError(
      `the product fails its check in row ${row}: off by ${worst.toPrecision(3)} times what rounding can explain`,
    );
  };
}

function shapeObjection(block: BlockShape, product: Matrix): AnykError | undefined {
  try {
    requireMatrix("product", product);
  } catch (error) {
    if (error instanceof AnykError) return error;
    throw error;
  }
  if (product.rows === block.rows && product.cols === block.cols) return undefined;
  return new ShapeError(
    `the product must be ${block.rows}×${block.cols}, got ${product.rows}×${product.cols}`,
  );
}
