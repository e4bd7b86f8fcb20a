import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { GemmTuning } from "../../src/kernels/index.ts";
import type { MeasureArguments } from "./arguments.ts";
import { barsOf } from "./bars.ts";
import { renderMarkdown } from "./markdown.ts";
import type { Tuned } from "./measure-tuning.ts";
import type {
  CheckRecord,
  CodedRow,
  CombineRow,
  CublasReference,
  Facts,
  GemmRow,
  MeasureRecord,
} from "./record.ts";

/** What one run has measured by now, on the disk after every part of it. */
export class Results {
  readonly gemm: GemmRow[] = [];
  readonly combine: CombineRow[] = [];
  readonly coded: CodedRow[] = [];
  tuned: Tuned | undefined;
  /** False once something has failed. */
  well = true;
  readonly #remarks: string[] = [];
  readonly #wish: MeasureArguments;
  readonly #endMs: number;
  readonly #reference: CublasReference | undefined;
  readonly #check: CheckRecord | undefined;
  #facts: Facts | undefined;

  constructor(wish: MeasureArguments) {
    this.#wish = wish;
    this.#endMs = performance.now() + wish.budgetMs;
    this.#reference = this.#readIf<CublasReference>(wish.reference);
    this.#check = this.#readIf<CheckRecord>(wish.check);
  }

  begin(facts: Facts): void {
    this.#facts = facts;
  }

  get tuning(): GemmTuning {
    return this.tuned?.tuning ?? { choices: {} };
  }

  readonly isOver = (): boolean => performance.now() >= this.#endMs;

  remark(text: string): void {
    this.#remarks.push(text);
    console.log(text);
  }

  /** Does a part for which there is time, and saves what there is then: a later one may hang. */
  async attempt(what: string, body: () => Promise<void>): Promise<void> {
    if (this.isOver()) {
      this.remark(`${what}: no time was left`);
      return;
    }
    try {
      await body();
    } catch (error) {
      this.well = false;
      this.remark(`${what} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.save();
  }

  /** @throws {Error} before `begin`. */
  record(): MeasureRecord {
    if (!this.#facts) throw new Error("nothing has begun");
    const { quick, peakTflops } = this.#wish;
    const check = this.#check;
    const measured = {
      format: "anyk-device/1",
      ...this.#facts,
      quick,
      peakTflops,
      tuning: this.tuned?.summary ?? { elapsedMs: 0, buckets: [], skipped: [] },
      gemm: this.gemm,
      combine: this.combine,
      coded: this.coded,
      ...(this.#reference ? { reference: this.#reference } : {}),
      ...(check
        ? { check: { passed: check.passed, failed: check.failed, skipped: check.skipped } }
        : {}),
      remarks: this.#remarks,
    } as const;
    return { ...measured, bars: barsOf(measured) };
  }

  save(): void {
    const { out } = this.#wish;
    const record = this.record();
    mkdirSync(out, { recursive: true });
    writeFileSync(path.join(out, "results.json"), `${JSON.stringify(record, undefined, 1)}\n`);
    writeFileSync(path.join(out, "results.md"), renderMarkdown(record));
    if (this.tuned) writeFileSync(path.join(out, this.tuned.file.name), this.tuned.file.text);
  }

  /** Undefined where no file is asked for, or where it is of no use, which is remarked upon. */
  #readIf<T>(file: string | undefined): T | undefined {
    if (file === undefined) return undefined;
    try {
      return JSON.parse(readFileSync(file, "utf8")) as T;
    } catch (error) {
      this.remark(`${file}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
}
