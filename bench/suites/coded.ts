import { type Code, createEngine, matdot, matrix, polynomial, uncoded } from "../../src/index.ts";
import { relativeError } from "../check.ts";
import { randomOperands } from "../operands.ts";
import type { Operands } from "../peers/contender.ts";
import type { Progress } from "../progress.ts";
import type { CodedRow } from "../record.ts";
import { summarize } from "../statistics.ts";
import { codedStages } from "./coded-stages.ts";

export interface CodedSuiteOptions {
  readonly device: GPUDevice;
  readonly sizes: readonly number[];
  readonly rounds: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Whole coded products, taken apart, with the uncoded one for comparison. */
export async function runCodedSuite(options: CodedSuiteOptions): Promise<CodedRow[]> {
  const codes = [
    uncoded({ partition: { m: 1, k: 3, n: 1 } }),
    matdot({ parts: 3, tasks: 7 }),
    polynomial({ partition: { m: 2, n: 2 }, tasks: 6 }),
  ];
  const rows: CodedRow[] = [];
  for (const size of options.sizes) {
    const operands = randomOperands({ m: size, k: size, n: size });
    for (const code of codes) {
      options.progress.step(`coded ${size}: ${code.name}, stage by stage`);
      rows.push(await inStages(operands, code, options));
    }
    options.progress.step(`coded ${size}: the engine`);
    rows.push(await inEngine(operands, codes[1]!, options));
  }
  return rows;
}

type Split = Pick<
  CodedRow,
  "encodeSeconds" | "transferSeconds" | "computeSeconds" | "decodeSeconds" | "otherSeconds"
>;

async function inStages(
  operands: Operands,
  code: Code,
  { device, rounds, signal }: CodedSuiteOptions,
): Promise<CodedRow> {
  const stages = await codedStages(device, code, operands);
  try {
    const first = await stages.run(); // compiles
    const error = relativeError(operands, first.product);
    const splits: Split[] = [];
    for (let round = 0; round < rounds; round++) {
      signal.throwIfAborted();
      splits.push((await stages.run()).split);
    }
    return { size: operands.m, code: code.name, how: "stages", ...medians(splits), rounds, error };
  } finally {
    stages[Symbol.dispose]();
  }
}

/** One worker on the device: what the phases that the engine reports add up to. */
async function inEngine(
  operands: Operands,
  code: Code,
  { device, rounds, signal }: CodedSuiteOptions,
): Promise<CodedRow> {
  const { m: size, a, b } = operands;
  await using engine = await createEngine({ device, workers: 1 });
  const [left, right] = [matrix(size, size, a), matrix(size, size, b)];
  const splits: Split[] = [];
  let error = Number.NaN;
  for (let round = 0; round <= rounds; round++) {
    const at = new Map<string, number>();
    const began = performance.now();
    const { c } = await engine.multiply(left, right, {
      code,
      signal,
      onProgress({ phase, atMs, event }) {
        // Tasks are encoded when a worker asks for one; the first shows how long that takes.
        const mark = event?.kind === "sent" && !at.has("sent") ? "sent" : phase;
        if (!at.has(mark)) at.set(mark, atMs);
      },
    });
    at.set("end", performance.now() - began);
    if (round === 0) error = relativeError(operands, c.data);
    else splits.push(splitOf(at));
  }
  return { size, code: code.name, how: "engine", ...medians(splits), rounds, error };
}

function splitOf(at: ReadonlyMap<string, number>): Split {
  const between = (from: string, to: string) => (at.get(to)! - at.get(from)!) / 1000;
  return {
    encodeSeconds: between("encode", "sent"),
    transferSeconds: 0, // not told apart from the workers' time
    computeSeconds: between("sent", "decode"),
    decodeSeconds: between("decode", "check"),
    otherSeconds: between("check", "end") + at.get("encode")! / 1000,
  };
}

function medians(splits: readonly Split[]): Split {
  const of = (key: keyof Split) => summarize(splits.map((split) => split[key])).median;
  return {
    encodeSeconds: of("encodeSeconds"),
    transferSeconds: of("transferSeconds"),
    computeSeconds: of("computeSeconds"),
    decodeSeconds: of("decodeSeconds"),
    otherSeconds: of("otherSeconds"),
  };
}
