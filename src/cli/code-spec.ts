import {
  AnykError,
  type Code,
  InputError,
  matdot,
  polynomial,
  replication,
  uncoded,
} from "../index.ts";
import { count, points } from "./fields.ts";
import {
  findNamed,
  type Parameters,
  type ParameterValues,
  parseParameters,
  parseSpec,
  specForm,
} from "./spec.ts";

/** One code that the command line offers. */
export interface CodeEntry {
  readonly name: string;
  /** How it is written: "matdot:parts=…,tasks=…[,points=…]". */
  readonly form: string;
  /** What is cut, in a few words. */
  readonly summary: string;
  /** Its recovery threshold as a formula of its parameters. */
  readonly threshold: string;
  /** False where the number of tasks follows from the other parameters. */
  readonly takesTasks: boolean;
  /** @throws {InputError} or {CodeParameterError} when a value breaks a rule. */
  readonly build: (values: ReadonlyMap<string, string>) => Code;
}

const whole = { field: count };
const tasksOption = { field: count, option: "--tasks" };
const one = { field: count, otherwise: 1 };
const anyPoints = { field: points, optional: true } as const;

/** Every code that `--code` takes. A new one is a new entry, and nothing else. */
export const CODES: readonly CodeEntry[] = [
  defineCode({
    name: "uncoded",
    summary: "m×k blocks of A times k×n of B, each product once",
    threshold: "m·k·n (all)",
    parameters: { m: one, k: one, n: one },
    build: (partition) => uncoded({ partition }),
  }),
  defineCode({
    name: "replication",
    summary: "the same, each product `copies` times",
    threshold: "copies·(m·k·n − 1) + 1",
    parameters: { m: one, k: one, n: one, copies: whole },
    build: ({ m, k, n, copies }) => replication({ partition: { m, k, n }, copies }),
  }),
  defineCode({
    name: "polynomial",
    summary: "A in m row blocks, B in n column blocks",
    threshold: "m·n",
    parameters: { m: whole, n: whole, tasks: tasksOption, points: anyPoints },
    build: ({ m, n, ...rest }) => polynomial({ partition: { m, n }, ...rest }),
  }),
  defineCode({
    name: "matdot",
    summary: "inner dimension in `parts`; each product is as large as C",
    threshold: "2·parts − 1",
    parameters: { parts: whole, tasks: tasksOption, points: anyPoints },
    build: matdot,
  }),
];

/**
 * Builds the code that `--code` names. `tasks`, from `--tasks`, fills the parameter of that name; for
 * a code whose parameters fix the number of tasks it must agree with them.
 *
 * @throws {InputError} when the spec or a value in it breaks a rule.
 */
export function parseCodeSpec(text: string, tasks?: number): Code {
  const spec = parseSpec("--code", text);
  const entry = findNamed("--code", CODES, spec.name);
  const values = new Map(spec.values);
  if (tasks !== undefined && entry.takesTasks) {
    const inSpec = values.get("tasks") ?? String(tasks);
    if (inSpec !== String(tasks)) {
      throw new InputError(`--tasks must agree with --code ${text}, got ${tasks}`);
    }
    values.set("tasks", inSpec);
  }
  const code = build(entry, values);
  if (tasks !== undefined && code.tasks !== tasks) {
    throw new InputError(`--tasks must be ${code.tasks} for --code ${text}, got ${tasks}`);
  }
  return code;
}

function build(entry: CodeEntry, values: ReadonlyMap<string, string>): Code {
  try {
    return entry.build(values);
  } catch (cause) {
    if (!(cause instanceof AnykError) || cause instanceof InputError) throw cause;
    throw new InputError(`--code ${entry.name}: ${cause.message}`, { cause });
  }
}

function defineCode<P extends Parameters>(entry: {
  readonly name: string;
  readonly summary: string;
  readonly threshold: string;
  readonly parameters: P;
  readonly build: (values: ParameterValues<P>) => Code;
}): CodeEntry {
  const { name, summary, threshold, parameters } = entry;
  return {
    name,
    summary,
    threshold,
    form: specForm(name, parameters),
    takesTasks: Object.hasOwn(parameters, "tasks"),
    build: (values) => entry.build(parseParameters("--code", { name, values }, parameters)),
  };
}
