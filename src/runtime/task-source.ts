import { cut, type ProductGrids } from "../core/blocks.ts";
import type { BlockCombination, Code } from "../core/code.ts";
import { type Matrix, zeros } from "../core/matrix.ts";
import { tableRow, tableRows } from "../core/table.ts";
import type { Task } from "../core/worker.ts";
import type { LoadedBlocks, TableBackend } from "./backend.ts";

/** Hands out the coded tasks of one job, encoded in batches in task order. */
export interface TaskSource extends AsyncDisposable {
  /** Task `index`, encoded by now. Asking for the next one again and again encodes each once. */
  task(index: number, signal: AbortSignal): Promise<Task>;
}

/**
 * @param batch how many tasks are encoded together: with one a worker, the first tasks leave while
 *   later ones are not yet encoded.
 */
export function createTaskSource(options: {
  readonly code: Code;
  readonly grids: ProductGrids;
  readonly a: Matrix;
  readonly b: Matrix;
  readonly backend: TableBackend;
  readonly batch: number;
}): TaskSource {
  const { code, grids, a, b, backend, batch } = options;
  const encodeA = createEncoder(code.encodePlan.a, cut(a, grids.a), grids.a.block, backend);
  const encodeB = createEncoder(code.encodePlan.b, cut(b, grids.b), grids.b.block, backend);
  /** Batches in flight or not yet handed out; entries are dropped as tasks leave. */
  const batches = new Map<number, Promise<Map<number, Task>>>();
  /** Batches are encoded one after the other: side by side, the first would be ready with the last. */
  let previous: Promise<unknown> = Promise.resolve();

  const encodeBatch = async (first: number, signal: AbortSignal): Promise<Map<number, Task>> => {
    const count = Math.min(batch, code.tasks - first);
    const [codedA, codedB] = await Promise.all([
      encodeA.rows(first, count, signal),
      encodeB.rows(first, count, signal),
    ]);
    return new Map(
      codedA.map((block, i) => [first + i, { index: first + i, a: block, b: codedB[i]! }]),
    );
  };

  return {
    async task(index, signal) {
      const number = Math.floor(index / batch);
      let pending = batches.get(number);
      if (!pending) {
        const encode = () => encodeBatch(number * batch, signal);
        pending = previous.then(encode, encode);
        previous = pending;
        batches.set(number, pending);
      }
      const ready = await pending;
      const task = ready.get(index)!;
      ready.delete(index);
      if (ready.size === 0) batches.delete(number);
      return task;
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(batches.values());
      batches.clear();
      await Promise.all([encodeA.dispose(), encodeB.dispose()]);
    },
  };
}

/** Applies rows of one table to the blocks of one operand, loading the blocks at the first use. */
function createEncoder(
  table: BlockCombination,
  blocks: readonly Matrix[],
  shape: { readonly rows: number; readonly cols: number },
  backend: TableBackend,
) {
  let loaded: Promise<LoadedBlocks> | undefined;
  return {
    async rows(first: number, count: number, signal: AbortSignal): Promise<Matrix[]> {
      const coded: Matrix[] = [];
      const combined: { readonly row: number; readonly output: Matrix }[] = [];
      for (let row = first; row < first + count; row++) {
        // A row that is one whole block needs no arithmetic: the view itself is sent.
        const block = singleBlock(tableRow(table, row), blocks);
        const whole = block?.rows === shape.rows && block.cols === shape.cols;
        const output = whole ? block : zeros(shape.rows, shape.cols);
        if (!whole) combined.push({ row, output });
        coded.push(output);
      }
      if (combined.length === 0) return coded;
      loaded ??= backend.load(blocks, shape, { signal });
      const inputs = await loaded;
      await inputs.combine(
        combined.length === count ? tableRows(table, first, count) : pickRows(table, combined),
        combined.map(({ output }) => output),
        { signal },
      );
      return coded;
    },
    async dispose(): Promise<void> {
      const inputs = await loaded?.catch(() => undefined);
      await inputs?.[Symbol.asyncDispose]();
    },
  };
}

/** The block that a row copies unchanged, if its only non-zero weight is 1. */
function singleBlock(row: Float64Array, blocks: readonly Matrix[]): Matrix | undefined {
  let found: number | undefined;
  for (let c = 0; c < row.length; c++) {
    if (row[c] === 0) continue;
    if (row[c] !== 1 || found !== undefined) return undefined;
    found = c;
  }
  return found === undefined ? undefined : blocks[found];
}

function pickRows(
  table: BlockCombination,
  picked: readonly { readonly row: number }[],
): BlockCombination {
  const weights = new Float64Array(picked.length * table.cols);
  for (const [i, { row }] of picked.entries()) weights.set(tableRow(table, row), i * table.cols);
  return { rows: picked.length, cols: table.cols, weights };
}
