import type { StragglerModel } from "../index.ts";
import { duration, positive, positiveDuration, probability, workerNumbers } from "./fields.ts";
import {
  findNamed,
  type Parameters,
  type ParameterValues,
  parseParameters,
  parseSpec,
  specForm,
} from "./spec.ts";

/** What `--straggle` asks for. */
export interface Straggling {
  /** As the user wrote it. */
  readonly text: string;
  /** Which workers misbehave, counted from 0, ascending; undefined for all. */
  readonly workers: readonly number[] | undefined;
  /** How they misbehave. The seed fixes the draws; models without chance ignore it. */
  readonly model: (seed: number) => StragglerModel;
}

/** One way to misbehave that the command line offers. */
export interface StragglerEntry {
  readonly name: string;
  /** How it is written: "exponential:mean=…[,workers=…]". */
  readonly form: string;
  readonly summary: string;
  /** @throws {InputError} when a value breaks a rule. */
  readonly build: (values: ReadonlyMap<string, string>) => Omit<Straggling, "text">;
}

/** Every model that `--straggle` takes. */
export const STRAGGLERS: readonly StragglerEntry[] = [
  defineStraggler({
    name: "exponential",
    summary: "waits a random time before each task",
    parameters: { mean: { field: positiveDuration } },
    build: ({ mean }, seed) => ({ kind: "exponential", meanMs: mean, seed }),
  }),
  defineStraggler({
    name: "shifted-exponential",
    summary: "the same, after a fixed wait",
    parameters: { shift: { field: duration }, mean: { field: positiveDuration } },
    build: ({ shift, mean }, seed) => {
      return { kind: "shifted-exponential", shiftMs: shift, meanMs: mean, seed };
    },
  }),
  defineStraggler({
    name: "pareto",
    summary: "waits at least `scale`, now and then far longer: a heavy tail",
    parameters: { scale: { field: positiveDuration }, shape: { field: positive } },
    build: ({ scale, shape }, seed) => ({ kind: "pareto", scaleMs: scale, shape, seed }),
  }),
  defineStraggler({
    name: "constant",
    summary: "waits the same time before each task",
    parameters: { delay: { field: duration } },
    build: ({ delay }) => ({ kind: "constant", delayMs: delay }),
  }),
  defineStraggler({
    name: "dies",
    summary: "fails for good, this long after its first task",
    parameters: { after: { field: duration } },
    build: ({ after }) => ({ kind: "dies", afterMs: after }),
  }),
  defineStraggler({
    name: "silent",
    summary: "takes tasks and never answers",
    parameters: {},
    build: () => ({ kind: "silent" }),
  }),
  defineStraggler({
    name: "wrong",
    summary: "returns wrong products; --verify finds them",
    parameters: { probability: { field: probability, otherwise: 1 } },
    build: (values, seed) => ({ kind: "wrong", probability: values.probability, seed }),
  }),
];

/** @throws {InputError} when the spec or a value in it breaks a rule. */
export function parseStragglerSpec(text: string): Straggling {
  const spec = parseSpec("--straggle", text);
  return { text, ...findNamed("--straggle", STRAGGLERS, spec.name).build(spec.values) };
}

function defineStraggler<P extends Parameters>(entry: {
  readonly name: string;
  readonly summary: string;
  readonly parameters: P;
  readonly build: (values: ParameterValues<P>, seed: number) => StragglerModel;
}): StragglerEntry {
  const { name, summary } = entry;
  const parameters = { ...entry.parameters, workers: { field: workerNumbers, optional: true } };
  return {
    name,
    summary,
    form: specForm(name, parameters as Parameters),
    build: (values) => {
      const spec = { name, values };
      const parsed = parseParameters("--straggle", spec, parameters as Parameters);
      return {
        workers: parsed.workers as readonly number[] | undefined,
        model: (seed) => entry.build(parsed as ParameterValues<P>, seed),
      };
    },
  };
}
