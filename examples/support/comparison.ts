import {
  type Code,
  createEngine,
  type Engine,
  faulty,
  type Matrix,
  type Product,
  seededRandom,
} from "../../src/index.ts";

/** What every scheme is to compute, and the answer that it is checked against. */
export interface Job {
  readonly a: Matrix;
  readonly b: Matrix;
  /** A·B in float64, row-major. */
  readonly exact: Float64Array;
}

export interface Scheme {
  readonly name: string;
  readonly code: Code;
}

/** One multiplication that was checked. */
interface Run {
  readonly seconds: number;
  /** ‖Ĉ − A·B‖_F / ‖A·B‖_F. */
  readonly error: number;
  readonly product: Product;
  /** Ids of the workers that were late. */
  readonly lateWorkers: readonly string[];
}

/** One scheme, over all rounds. */
export interface Outcome extends Scheme {
  /** With no worker late. */
  readonly calm: Run;
  /** With two workers late, a round each. */
  readonly late: readonly Run[];
}

/**
 * Runs every scheme on the same workers: once with nobody late, then in each round with the same two
 * workers late, drawn from `seed`. The first run of each scheme compiles kernels and is not counted.
 *
 * @param onRound called after each round with the workers that were late in it.
 */
export async function compare(
  job: Job,
  schemes: readonly Scheme[],
  machine: Engine,
  options: {
    readonly rounds: number;
    readonly lateMs: number;
    readonly seed: number;
    readonly onRound: (round: number, late: readonly number[]) => void;
  },
): Promise<Outcome[]> {
  const calm: Run[] = [];
  for (const { code } of schemes) {
    await checkedRun(machine, job, code);
    calm.push(await checkedRun(machine, job, code));
  }
  const late: Run[][] = schemes.map(() => []);
  const random = seededRandom(options.seed);
  for (let round = 0; round < options.rounds; round++) {
    const stragglers = drawTwo(machine.workers.length, random);
    const delay = { kind: "constant", delayMs: options.lateMs } as const;
    await using engine = await createEngine({
      workers: machine.workers.map((worker, w) =>
        stragglers.includes(w) ? faulty(worker, delay) : worker,
      ),
      device: machine.device.kind === "cpu" ? "cpu" : machine.device.software ? "software" : "gpu",
    });
    for (const [s, { code }] of schemes.entries()) {
      const run = await checkedRun(engine, job, code);
      late[s]!.push({ ...run, lateWorkers: stragglers.map((w) => machine.workers[w]!.id) });
    }
    options.onRound(round, stragglers);
  }
  return schemes.map((scheme, s) => ({ ...scheme, calm: calm[s]!, late: late[s]! }));
}

/** A fast wrong answer must not end up in a table of times. */
async function checkedRun(engine: Engine, { a, b, exact }: Job, code: Code): Promise<Run> {
  const product = await engine.multiply(a, b, { code });
  const size = norm(exact);
  const off = norm(exact.map((value, e) => product.c.data[e]! - value));
  const allowed = product.error.bound * norm(a.data) * norm(b.data);
  if (!(off <= allowed)) {
    throw new Error(`${code.name} is off by ${off}, but its bound allows ${allowed}`);
  }
  return { seconds: product.elapsedMs / 1000, error: off / size, product, lateWorkers: [] };
}

function drawTwo(count: number, random: () => number): number[] {
  const first = Math.floor(count * random());
  const second = Math.floor((count - 1) * random());
  return [first, second < first ? second : second + 1].sort((p, q) => p - q);
}

function norm(values: Float32Array | Float64Array): number {
  let square = 0;
  for (const value of values) square += value * value;
  return Math.sqrt(square);
}
