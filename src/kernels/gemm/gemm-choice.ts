import { DeviceLimitError, InputError } from "../../core/errors.ts";
import type { GemmCandidate } from "../tuning/tuning.ts";
import { gemmKernels } from "./gemm-families.ts";
import type {
  GemmConfig,
  GemmFamily,
  GemmProblem,
  GemmSetup,
  GemmShape,
  KernelFacts,
} from "./gemm-family.ts";

/** Below this length a slice of k is not worth a place in memory of its own. */
const SHORTEST_SLICE = { software: 512, hardware: 128 };
/** Workgroups that keep a device busy; nobody tells how many it has room for. */
const ENOUGH_WORKGROUPS = { software: 8, hardware: 256 };
const MOST_SPLITS = 64;
/** An operand is copied where each of its elements is read for at least so many rows or columns of C. */
const WORTH_A_COPY = 64;
/** For shorter sums, or fewer products a·b, what "quad" saves is less than its copies and dispatches cost. */
const LEAST_COPIED_K = 16;
const LEAST_COPIED_WORK = 2 ** 23;

/**
 * Every family and configuration that the device can run for a problem, by expected merit: the first is
 * the planner's own choice.
 */
export function candidatesFor(problem: GemmProblem, facts: KernelFacts): readonly GemmCandidate[] {
  return familiesInOrder(problem, facts)
    .filter((family) => obstacleTo(family, problem, facts) === undefined)
    .flatMap((family) =>
      gemmKernels[family]
        .configs(problem, facts)
        .filter((config) => setUp(family, config, problem, facts).excess === undefined)
        .map((config) => ({ family, config })),
    );
}

/**
 * The families by expected merit. Software drivers run workgroup memory and barriers slowly, so there
 * registers come first, broadcast to the lanes of a subgroup where there are any.
 */
function familiesInOrder(problem: GemmProblem, { software }: KernelFacts): readonly GemmFamily[] {
  const { m, n } = problem.shape;
  if (problem.precision === "f32-split") return ["matrix"];
  if (n <= 4 && !problem.transposeA && !software) return ["vector", "register", "naive", "tiled"];
  if (n === 1 && software) return ["subgroup", "naive", "register", "vector"];
  if (software) {
    if (m < 3) return ["register", "subgroup", "vector", "quad", "tiled", "naive"];
    return suitsQuads(problem)
      ? ["quad", "subgroup", "register", "tiled", "naive"]
      : ["subgroup", "quad", "register", "tiled", "naive"];
  }
  if (Math.min(m, n) < 8) return ["register", "tiled", "vector", "naive"];
  return ["matrix", "tiled", "register", "subgroup", "naive"];
}

/** Whether a tile of 32 columns is worth its while, and a copy is, where one has to be made. */
function suitsQuads({ shape: { m, k, n }, products, octets }: GemmProblem): boolean {
  if (m <= 8 || n <= 16) return false;
  const readsOften = Math.min(m, n) >= WORTH_A_COPY && k >= LEAST_COPIED_K;
  return (octets.a && octets.b) || (readsOften && m * k * n * products >= LEAST_COPIED_WORK);
}

/** Why a family cannot run for a problem, if anything keeps it from it. */
function obstacleTo(
  family: GemmFamily,
  problem: GemmProblem,
  facts: KernelFacts,
): string | undefined {
  return problem.precision === "f32-split" && family !== "matrix"
    ? 'precision "f32-split" is for the family "matrix" alone'
    : gemmKernels[family].obstacle(problem, facts);
}

/**
 * Sets up one configuration.
 *
 * @returns also what of it exceeds the device, if anything does.
 */
function setUp(
  family: GemmFamily,
  config: GemmConfig,
  problem: GemmProblem,
  facts: KernelFacts,
): GemmSetup & { readonly excess: string | undefined } {
  const setup = gemmKernels[family].setUp(config, problem, facts);
  return { ...setup, excess: excessOf(setup, facts) };
}

function excessOf({ invocations, sharedBytes }: GemmSetup, facts: KernelFacts): string | undefined {
  if (invocations > facts.maxInvocations) {
    return `${invocations} invocations a workgroup; the device allows ${facts.maxInvocations}`;
  }
  if (sharedBytes > facts.maxSharedBytes) {
    return `${sharedBytes} bytes of workgroup memory; the device allows ${facts.maxSharedBytes}`;
  }
  return undefined;
}

/**
 * Settles family and configuration: the caller's, else what tuning found, else the planner's own.
 *
 * @throws {DeviceLimitError} when the device cannot run what the caller demands.
 * @throws {InputError} when a configuration names a parameter or a value that the family has not.
 */
export function settle(
  problem: GemmProblem,
  facts: KernelFacts,
  wish: {
    readonly family: GemmFamily | undefined;
    readonly config: GemmConfig | undefined;
    readonly tuned: GemmCandidate | undefined;
    /** A family that turned out not to do. */
    readonly except?: GemmFamily;
  },
): GemmCandidate & { readonly setup: GemmSetup } {
  if (wish.family === undefined && wish.tuned && canRun(wish.tuned, problem, facts)) {
    const { family, config } = wish.tuned;
    return { family, config, setup: setUp(family, config, problem, facts) };
  }
  const candidates = candidatesFor(problem, facts).filter(({ family }) => family !== wish.except);
  const family = wish.family ?? candidates[0]?.family ?? familiesInOrder(problem, facts)[0]!;
  const obstacle = obstacleTo(family, problem, facts);
  if (obstacle) {
    const { precision } = problem;
    throw new DeviceLimitError(
      `precision "${precision}" with family "${family}" cannot run: ${obstacle}`,
    );
  }
  const known = candidates.find((candidate) => candidate.family === family)?.config;
  const config = { ...(known ?? gemmKernels[family].configs(problem, facts)[0]), ...wish.config };
  requireConfig(family, config);
  const setup = setUp(family, config, problem, facts);
  if (setup.excess) {
    throw new DeviceLimitError(
      `family "${family}" with ${JSON.stringify(config)} needs ${setup.excess}`,
    );
  }
  return { family, config, setup };
}

/** Whether a choice that was stored elsewhere still means something, here. */
function canRun(
  { family, config }: GemmCandidate,
  problem: GemmProblem,
  facts: KernelFacts,
): boolean {
  const kernel = Object.hasOwn(gemmKernels, family) ? gemmKernels[family] : undefined;
  return (
    kernel !== undefined &&
    obstacleTo(family, problem, facts) === undefined &&
    wrongParameter(family, config) === undefined &&
    setUp(family, config, problem, facts).excess === undefined
  );
}

function requireConfig(family: GemmFamily, config: GemmConfig): void {
  const wrong = wrongParameter(family, config);
  if (wrong !== undefined) {
    const { parameters } = gemmKernels[family];
    const values = Object.hasOwn(parameters, wrong) && `one of ${parameters[wrong]!.join(", ")}`;
    const rule = Object.hasOwn(RULES, wrong) ? RULES[wrong] : values;
    throw new InputError(
      rule
        ? `config.${wrong} of family "${family}" must be ${rule}, got ${config[wrong]}`
        : `family "${family}" has no parameter ${wrong}; it has ` +
            [...Object.keys(parameters), ...Object.keys(RULES)].join(", "),
    );
  }
}

/** Of the parameters that every family takes. */
const RULES: Readonly<Record<string, string>> = {
  splits: "an integer of at least 1",
  pack: "0 or 1",
};

function wrongParameter(family: GemmFamily, config: GemmConfig): string | undefined {
  const { parameters } = gemmKernels[family];
  return Object.entries(config).find(([name, value]) =>
    name === "splits"
      ? !(Number.isSafeInteger(value) && value >= 1)
      : name === "pack"
        ? value !== 0 && value !== 1
        : !(Object.hasOwn(parameters, name) && parameters[name]!.includes(value)),
  )?.[0];
}

/**
 * Whether operands whose rows begin anywhere are copied first, so that quads can be read: 1 where each
 * element is read often enough, on the drivers that were seen to gain by it (SwiftShader: twice as fast
 * at 509×1021×257).
 */
export function choosePack(family: GemmFamily, problem: GemmProblem, facts: KernelFacts): 0 | 1 {
  const { m, n } = problem.shape;
  if (gemmKernels[family].octets) return 1;
  return family === "subgroup" && facts.software && Math.min(m, n) >= WORTH_A_COPY ? 1 : 0;
}

/**
 * Into how many slices k is cut so that enough workgroups have work: 1 wherever there are enough
 * without.
 */
export function chooseSplits(
  { m, k, n }: GemmShape,
  job: {
    readonly products: number;
    readonly granule: GemmShape;
    readonly facts: KernelFacts;
  },
): number {
  const { products, granule, facts } = job;
  const kind = facts.software ? "software" : "hardware";
  const workgroups = Math.ceil(m / granule.m) * Math.ceil(n / granule.n) * products;
  const wanted = Math.floor(ENOUGH_WORKGROUPS[kind] / workgroups);
  const sensible = Math.floor(k / SHORTEST_SLICE[kind]);
  return Math.max(1, Math.min(wanted, sensible, MOST_SPLITS));
}
