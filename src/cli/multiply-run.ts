import type { Product } from "../index.ts";
import type { Attempt, WaitForAll } from "./attempts.ts";
import type { ElementNotes } from "./npy-elements.ts";
import type { NpyDtype } from "./npy-header.ts";

/** One operand as it was read. */
export interface OperandRun {
  readonly file: string;
  readonly rows: number;
  readonly cols: number;
  /** Type of the file's elements. */
  readonly dtype: NpyDtype;
  readonly notes: Readonly<ElementNotes>;
}

/** Everything that is reported of one `anyk multiply`. */
export interface MultiplyRun {
  readonly a: OperandRun;
  readonly b: OperandRun;
  /** Where C was written, if it was. */
  readonly output: { readonly file: string; readonly dtype: "float32" | "float64" } | undefined;
  readonly code: {
    readonly name: string;
    readonly tasks: number;
    /** `Infinity` where no number of products is always enough. */
    readonly recoveryThreshold: number;
  };
  /** Ids. */
  readonly workers: readonly string[];
  readonly device: { readonly kind: string; readonly description: string };
  readonly seed: number;
  /** What was asked of the bound. */
  readonly tolerance: number | undefined;
  /** The `--straggle` options as written. */
  readonly straggle: readonly string[];
  readonly product: Product;
  readonly attempts: readonly Attempt[];
  /** Tasks that nobody was given. */
  readonly unsent: readonly number[];
  readonly waitForAll: WaitForAll;
}
