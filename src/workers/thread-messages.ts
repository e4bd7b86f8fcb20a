/** What a CPU worker tells its thread, one task at a time. */
export type ToThread =
  /** A (m·k) and B (k·n), contiguous and row-major. Their memory is lent until the answer. */
  | {
      readonly type: "multiply";
      readonly shape: { readonly m: number; readonly k: number; readonly n: number };
      readonly a: Float32Array<ArrayBuffer>;
      readonly b: Float32Array<ArrayBuffer>;
    }
  /** The task that runs is not wanted any more. */
  | { readonly type: "abort" }
  /** The same, and the thread ends. */
  | { readonly type: "stop" };

/** What a thread answers to a task: "started", then one of the others. */
export type ThreadAnswer =
  | { readonly type: "started" }
  | {
      readonly type: "done";
      /** C (m·n), contiguous and row-major, in new memory that is handed over. */
      readonly c: Float32Array<ArrayBuffer>;
      readonly operands: LentOperands;
      /** How many compiled kernels the thread keeps by now. */
      readonly kernels: number;
    }
  | { readonly type: "aborted"; readonly operands: LentOperands }
  | { readonly type: "failed"; readonly operands: LentOperands; readonly error: unknown };

/** A and B, handed back to be written again. */
export type LentOperands = readonly Float32Array<ArrayBuffer>[];

/** All that a thread says. */
export type FromThread = ThreadAnswer | { readonly type: "stopped" };
