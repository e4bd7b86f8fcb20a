/**
 * @file The search for the fastest candidate, apart from all devices: what to try, in which order, and
 * when to give up on one.
 *
 * Everything that is to be compared is sampled in turns, so that a machine that slows down does so for
 * all alike. A field is halved again and again while it is sampled; then the neighbours of the best are
 * tried against it, until none is better.
 */

import { describeReason } from "../../core/errors.ts";
import type { GemmCandidate } from "./tuning.ts";

/** A candidate that is compiled, was found to be right, and can be timed. */
export interface Contender extends Disposable {
  /** Runs it once more. In ms for one product. */
  sample(): Promise<number>;
}

/** What was measured of one candidate. */
export interface CandidateTiming {
  readonly candidate: GemmCandidate;
  /** Median for one product. */
  readonly ms: number;
  readonly samples: number;
}

/** A candidate that cannot be used, and why. */
export interface RejectedCandidate {
  readonly candidate: GemmCandidate;
  readonly reason: string;
}

export interface SearchOutcome {
  /** The planner's own choice: the first candidate. Undefined when it could not run. */
  readonly own: CandidateTiming | undefined;
  /** The fastest; the planner's own unless another is faster by more than noise. */
  readonly best: CandidateTiming;
  /** Of all candidates that ran, the fastest first. */
  readonly timings: readonly CandidateTiming[];
  readonly rejected: readonly RejectedCandidate[];
}

export interface SearchOptions {
  /** At most this many candidates are compiled. ≥ 1. */
  readonly maxCandidates: number;
  /**
   * Compiles and checks one.
   *
   * @throws {CandidateError} when it cannot be used; anything else ends the search.
   */
  readonly prepare: (candidate: GemmCandidate) => Promise<Contender>;
  /** Those that differ from a candidate by little, the likeliest to be faster first. */
  readonly neighboursOf: (candidate: GemmCandidate) => readonly GemmCandidate[];
  /** True once no more time is to be spent; what is known by then decides. */
  readonly isOver: () => boolean;
  /** Hears of every candidate once it has been timed or rejected. */
  readonly onCandidate?: (event: CandidateTiming | RejectedCandidate) => void;
}

/** Says that one candidate cannot be used; others may. */
export class CandidateError extends Error {}

/** Samples that a decision between the last two rests on. */
const FINAL_SAMPLES = 7;
/**
 * How far behind the leader a candidate may be after so many samples and still be sampled again. One sample
 * may be far off, because something else took the machine: two of them seldom are.
 */
const TOLERATED: readonly { readonly samples: number; readonly factor: number }[] = [
  { samples: 1, factor: 4 },
  { samples: 2, factor: 1.5 },
  { samples: 4, factor: 1.15 },
];
/** A field of so many is not halved; only those far behind leave it. */
const LEAST_FIELD = 3;
/** Another choice than the planner's must be faster by this factor: less is within noise. */
const WORTHWHILE = 1.03;
/** The field that a search begins with, as a part of all it may try; the rest is for neighbours. */
const FIRST_FIELD = 0.5;
const NEIGHBOURS_AT_ONCE = 4;
/** With fewer to try, expected merit is the better guide: they are simply the first ones. */
const LEAST_FOR_NEIGHBOURS = 8;

interface Entrant {
  readonly candidate: GemmCandidate;
  readonly contender: Contender;
  readonly samples: number[];
}

/**
 * Finds the fastest of `candidates`, the first of which is the planner's own choice, the others in the
 * order of their expected merit.
 *
 * @throws {CandidateError} when none can be used; whatever else `prepare` or a sample throws.
 */
export async function searchBest(
  candidates: readonly GemmCandidate[],
  options: SearchOptions,
): Promise<SearchOutcome> {
  using search = new Search(candidates, options);
  return await search.run();
}

class Search implements Disposable {
  readonly #candidates: readonly GemmCandidate[];
  readonly #options: SearchOptions;
  readonly #entrants: Entrant[] = [];
  readonly #rejected: RejectedCandidate[] = [];

  constructor(candidates: readonly GemmCandidate[], options: SearchOptions) {
    this.#candidates = candidates;
    this.#options = options;
  }

  async run(): Promise<SearchOutcome> {
    const { maxCandidates } = this.#options;
    const starts =
      maxCandidates < LEAST_FOR_NEIGHBOURS
        ? this.#candidates.slice(0, maxCandidates)
        : startPoints(this.#candidates, Math.ceil(maxCandidates * FIRST_FIELD));
    let leader = await this.#race(await this.#enter(starts));
    while (!this.#options.isOver()) {
      const untried = this.#untriedNeighbours(leader);
      if (untried.length === 0) break;
      const challengers = await this.#enter(untried);
      if (challengers.length === 0) continue;
      leader = await this.#race([leader, ...challengers]);
    }
    return await this.#decide(leader);
  }

  [Symbol.dispose](): void {
    for (const { contender } of this.#entrants) contender[Symbol.dispose]();
  }

  get #tried(): number {
    return this.#entrants.length + this.#rejected.length;
  }

  /** Compiles, and takes a first sample of, those that can be used. Goes on until there is one. */
  async #enter(candidates: readonly GemmCandidate[]): Promise<Entrant[]> {
    const entered: Entrant[] = [];
    const queue = [...candidates];
    for (let next = queue.shift(); next; next = queue.shift()) {
      if (this.#entrants.length > 0 && this.#options.isOver()) break;
      try {
        const contender = await this.#options.prepare(next);
        const entrant: Entrant = { candidate: next, contender, samples: [] };
        this.#entrants.push(entrant);
        entrant.samples.push(await contender.sample());
        entered.push(entrant);
        this.#options.onCandidate?.(timingOf(entrant));
      } catch (error) {
        if (!(error instanceof CandidateError)) throw error;
        this.#reject(next, error);
      }
      // Whatever the limits, somebody must win.
      const isEmpty = queue.length === 0 && this.#entrants.length === 0;
      if (isEmpty && !this.#options.isOver())
        queue.push(...this.#untried(this.#candidates).slice(0, 1));
    }
    if (this.#entrants.length > 0) return entered;
    throw new CandidateError(
      this.#rejected.map(({ reason }) => reason).join("; ") || "there is no candidate",
    );
  }

  #reject(candidate: GemmCandidate, error: CandidateError): void {
    const at = this.#entrants.findIndex((entrant) => entrant.candidate === candidate);
    if (at >= 0)
      for (const { contender } of this.#entrants.splice(at, 1)) contender[Symbol.dispose]();
    const rejected = { candidate, reason: describeReason(error) };
    this.#rejected.push(rejected);
    this.#options.onCandidate?.(rejected);
  }

  /** Samples in turns, halving the field, until one is left or the last ones are well measured. */
  async #race(entrants: readonly Entrant[]): Promise<Entrant> {
    let field = byTime(entrants);
    for (let samples = 1; field.length > 1 && samples < FINAL_SAMPLES; samples++) {
      field = survivors(field, samples);
      if (this.#options.isOver()) break;
      for (const entrant of field) await this.#sample(entrant);
      field = byTime(field);
    }
    return field[0]!;
  }

  async #sample({ contender, samples }: Entrant): Promise<void> {
    samples.push(await contender.sample());
  }

  #untried(candidates: readonly GemmCandidate[]): GemmCandidate[] {
    const tried = new Set(
      [...this.#entrants, ...this.#rejected].map(({ candidate }) => candidateKey(candidate)),
    );
    return candidates.filter((each) => !tried.has(candidateKey(each)));
  }

  #untriedNeighbours({ candidate }: Entrant): GemmCandidate[] {
    const room = Math.min(NEIGHBOURS_AT_ONCE, this.#options.maxCandidates - this.#tried);
    if (room <= 0) return [];
    return this.#untried(this.#options.neighboursOf(candidate)).slice(0, room);
  }

  /** The planner's own choice against the leader, sampled in turns. */
  async #decide(leader: Entrant): Promise<SearchOutcome> {
    const ownKey = this.#candidates[0] && candidateKey(this.#candidates[0]);
    const own = this.#entrants.find(({ candidate }) => candidateKey(candidate) === ownKey);
    if (own) {
      const enough = () => Math.min(own.samples.length, leader.samples.length) >= FINAL_SAMPLES;
      while (!enough() && !this.#options.isOver()) {
        await this.#sample(own);
        if (leader !== own) await this.#sample(leader);
      }
    }
    const isWorthwhile = !own || timeOf(own) > timeOf(leader) * WORTHWHILE;
    return {
      own: own && timingOf(own),
      best: timingOf(isWorthwhile ? leader : own),
      timings: byTime(this.#entrants).map(timingOf),
      rejected: [...this.#rejected],
    };
  }
}

/** The first `count` to try: the best of every family, as merit has it, then the best of the rest. */
export function startPoints(
  candidates: readonly GemmCandidate[],
  count: number,
): readonly GemmCandidate[] {
  const families = new Set<string>();
  const firsts = candidates.filter(({ family }) => !families.has(family) && families.add(family));
  const rest = candidates.filter((candidate) => !firsts.includes(candidate));
  const chosen = new Set([...firsts, ...rest].slice(0, count));
  return candidates.filter((candidate) => chosen.has(candidate));
}

/** The same for the same family and configuration, in whatever order its parameters stand. */
export function candidateKey({ family, config }: GemmCandidate): string {
  const entries = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([family, entries]);
}

function survivors(field: readonly Entrant[], samples: number): Entrant[] {
  const rule = TOLERATED.findLast((each) => each.samples <= samples)!;
  const limit = timeOf(field[0]!) * rule.factor;
  const close = field.filter((entrant) => timeOf(entrant) <= limit);
  const isHalved = TOLERATED.some((each) => each.samples === samples);
  return isHalved ? close.slice(0, Math.max(LEAST_FIELD, Math.ceil(field.length / 2))) : close;
}

function byTime(entrants: readonly Entrant[]): Entrant[] {
  return [...entrants].sort((x, y) => timeOf(x) - timeOf(y));
}

function timingOf(entrant: Entrant): CandidateTiming {
  return {
    candidate: entrant.candidate,
    ms: timeOf(entrant),
    samples: entrant.samples.length,
  };
}

/** The median, of an even number the lower one: nothing runs faster than it can by accident. */
function timeOf({ samples }: Entrant): number {
  const sorted = [...samples].sort((x, y) => x - y);
  return sorted[(sorted.length - 1) >> 1]!;
}
