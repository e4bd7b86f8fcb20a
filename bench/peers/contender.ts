import type { Copies, Group, Shape } from "../record.ts";

/** A and B row-major, without gaps. */
export interface Operands extends Shape {
  readonly a: Float32Array<ArrayBuffer>;
  readonly b: Float32Array<ArrayBuffer>;
}

/** One product, ready to be made again and again. */
export interface GemmJob {
  /** What is really multiplied, where operands are rounded first. */
  readonly rounded?: Operands;
  /** How often an element's terms are rounded one after the other. Default: k times. */
  readonly roundings?: number;
  /** Makes the product `repeats` times and settles when the last is complete. */
  run(repeats: number): Promise<void>;
  /** The product of the last run, row-major, copied to the host. */
  read(): Promise<Float32Array>;
  dispose(): void | Promise<void>;
}

/** A library that multiplies. */
export interface Contender {
  readonly name: string;
  readonly group: Group;
  readonly version: string;
  readonly note?: string;
  /** How its times can be taken; a CPU's operands are in host memory either way. */
  readonly copies: readonly Copies[];
  prepare(operands: Operands, copies: Copies): Promise<GemmJob>;
  close(): void | Promise<void>;
}

/** How to start one contender. `open` rejects with a reason where that cannot be done here. */
export interface ContenderSource {
  readonly name: string;
  readonly group: Group;
  open(): Promise<Contender>;
}

/** Loads a peer's module by its name, from Node or from a bundle. */
export type LoadModule = (name: string) => Promise<unknown>;
