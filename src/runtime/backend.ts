import type { BlockShape } from "../core/blocks.ts";
import type { BlockCombination } from "../core/code.ts";
import type { Matrix } from "../core/matrix.ts";

/** Applies coefficient tables to blocks: all of encoding, and all of decoding. */
export interface TableBackend {
  /** "cpu", "webgpu". */
  readonly kind: string;
  /**
   * How many rows of a table are best applied at once. Reading the blocks is most of the cost on a
   * GPU, so many; arithmetic is on a CPU, so one, and the first task leaves the sooner.
   */
  readonly rowsTogether: number;
  /**
   * Makes `inputs` ready to be combined. A view smaller than `block` is its top left part, the rest
   * being zero. The inputs must not change until the result is disposed of.
   */
  load(
    inputs: readonly Matrix[],
    block: BlockShape,
    options: { readonly signal: AbortSignal },
  ): Promise<LoadedBlocks>;
}

/** Blocks on the device that will combine them. */
export interface LoadedBlocks extends AsyncDisposable {
  /**
   * outputs[r] = Σ_c weights[r, c] · inputs[c]. Each output is overwritten; a view smaller than the
   * block receives its top left part.
   */
  combine(
    table: BlockCombination,
    outputs: readonly Matrix[],
    options: { readonly signal: AbortSignal },
  ): Promise<void>;
}
