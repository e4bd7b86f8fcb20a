import type { GemmShape } from "./operands.ts";

/** What does the arithmetic of a CPU worker. */
export interface CpuArithmetic {
  readonly kind: "native" | "wasm";
  /** For people: "onnxruntime-node 1.30.0", "WebAssembly". */
  readonly description: string;
  /** Why it is not native, where onnxruntime-node is installed and could not be loaded. */
  readonly reason?: string;
}

/** A library that multiplies in a thread of a CPU worker. */
export interface PanelGemm {
  readonly arithmetic: CpuArithmetic;
  /** How many kernels have been compiled, which are kept: some 40 KiB each. */
  kernels(): number;
  /**
   * C (m·n, new memory) = A (m·k) times B (k·n), all contiguous and row-major; the operands are only
   * read. It lets messages in between panels and rejects with the reason of `signal` after a few.
   */
  multiply(
    shape: GemmShape,
    a: Float32Array,
    b: Float32Array,
    signal: AbortSignal,
  ): Promise<Float32Array<ArrayBuffer>>;
}

/** What a CPU worker tells its thread, one task at a time. */
export type ToThread =
  /** A (m·k) and B (k·n), contiguous and row-major. Their memory is lent until the answer. */
  | {
      readonly type: "multiply";
      readonly shape: GemmShape;
      readonly a: Float32Array<ArrayBuffer>;
      readonly b: Float32Array<ArrayBuffer>;
    }
  /** The task that runs is not wanted any more. */
  | { readonly type: "abort" }
  /** The same, and the thread ends. */
  | { readonly type: "stop" };

/** What a thread says: once whether it can multiply, and to a task "started", then one of the others. */
export type ThreadAnswer =
  | { readonly type: "ready"; readonly arithmetic: CpuArithmetic }
  | { readonly type: "unready"; readonly error: unknown }
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
