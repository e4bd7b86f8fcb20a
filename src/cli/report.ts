import type { Attempt } from "./attempts.ts";
import type { MultiplyRun, OperandRun } from "./multiply-run.ts";
import { type LineOptions, wrapText } from "./styled-line.ts";
import { renderTimeline, type TimelineData } from "./timeline.ts";
import { formatMs, formatRatio } from "./units.ts";

/** What `anyk multiply` prints for people: what was done, the timeline, and what C is worth. */
export function renderReport(run: MultiplyRun, options: LineOptions): string[] {
  const { a, b } = run;
  const rows = [
    ["time", timeText(run)],
    ["products", productsText(run)],
    ["stragglers", stragglersText(run.attempts)],
    ...failureTexts(run).map((text) => ["failures", text]),
    ["error", errorText(run)],
    ...warningTexts(run).map((text) => ["WARNING", text]),
    ["device", run.device.description],
    ...(run.straggle.length > 0
      ? [["seed", `${run.seed}; --seed ${run.seed} repeats the delays`]]
      : []),
    ["output", outputText(run)],
    ...[a, b].flatMap(noteTexts).map((text) => ["note", text]),
  ] as const;
  return [
    ...wrapText({ name: "", text: titleOf(run), indent: 0, width: options.width }),
    "",
    ...renderTimeline(timelineOf(run), options),
    "",
    ...rows.flatMap(([name = "", text = ""]) =>
      wrapText({ name, text, indent: NAME_COLUMNS, width: options.width }),
    ),
  ];
}

const NAME_COLUMNS = 12;

/** What was multiplied, how, by how many. */
export function titleOf({ a, b, code, workers }: MultiplyRun): string {
  const operands = `${a.rows}×${a.cols} times ${b.rows}×${b.cols}`;
  return `${operands} by ${code.name} on ${many(workers.length, "worker")}`;
}

/** The run as a timeline, and the moment that ended the race. */
export function timelineOf({ attempts, unsent, product }: MultiplyRun): TimelineData {
  const { complete, decodedAtMs } = product;
  const label = `${complete ? "C decodable" : "deadline"} after ${formatMs(decodedAtMs)}`;
  return { attempts, unsent, decision: { atMs: decodedAtMs, label } };
}

function timeText({ product, waitForAll, code, unsent }: MultiplyRun): string {
  const { complete, decodedAtMs, elapsedMs } = product;
  const decided = complete ? "C decodable after" : "stopped by the deadline after";
  const start = `${decided} ${formatMs(decodedAtMs)}, ready after ${formatMs(elapsedMs)}`;
  if (waitForAll.kind === "measured") return `${start}; every task had ended by then`;
  const all = `${start}; waiting for all ${code.tasks} tasks would`;
  if (waitForAll.ms === Number.POSITIVE_INFINITY) return `${all} never have ended`;
  const ratio = Number((waitForAll.ms / decodedAtMs).toPrecision(3));
  const times = ratio < 1.05 ? "" : `, ${ratio} times as long`;
  const about = waitForAll.kind === "estimated" ? "about" : "at least";
  const why = unsent.length > 0 ? ` (${many(unsent.length, "task")} not begun)` : "";
  return `${all} have taken ${about} ${formatMs(waitForAll.ms)}${times}${why}`;
}

function productsText({ product, code }: MultiplyRun): string {
  const used = `${product.used.length} used of ${code.tasks}`;
  const { recoveryThreshold: threshold } = code;
  if (!Number.isFinite(threshold)) return `${used}; no number of them is always enough`;
  return `${used}; ${threshold === code.tasks ? "all are needed" : `any ${threshold} are enough`}`;
}

function stragglersText(attempts: readonly Attempt[]): string {
  const running = attempts.filter(({ outcome }) => outcome === "aborted" || outcome === "running");
  if (running.length === 0) return "none";
  return `${many(running.length, "task")} still running: ${running.map(taskName).join(", ")}`;
}

function failureTexts({ product, attempts }: MultiplyRun): string[] {
  if (product.failures.length === 0) return ["none"];
  return product.failures.map(({ task, reason }) => {
    const attempt = attempts.find((a) => a.task === task && a.outcome === "failed");
    return `${attempt ? taskName(attempt) : `task ${task}`}: ${reasonText(reason)}`;
  });
}

function errorText({ product }: MultiplyRun): string {
  const { bound, predicted, residual, relative } = product.error;
  if (!Number.isFinite(residual)) return "cannot be measured or bounded, as C is not finite";
  const expected = Number.isFinite(predicted) ? `, ${formatRatio(predicted)} expected` : "";
  const certain = Number.isFinite(bound) ? `at most ${formatRatio(bound)} for certain` : "no bound";
  return (
    `${formatRatio(relative)} of ‖A·B‖ measured${expected}; ` +
    `${formatRatio(residual)} of ‖A‖·‖B‖ measured, ${certain}`
  );
}

/** What must not be overlooked. */
function warningTexts({ product, tolerance }: MultiplyRun): string[] {
  const { bound, consistent } = product.error;
  const texts: string[] = [];
  if (!consistent) {
    texts.push(
      "C IS WRONG: its measured error is far beyond the bound, so a worker returned wrong numbers; " +
        "--verify finds out which and does without it",
    );
  }
  if (tolerance !== undefined && !(bound <= tolerance)) {
    texts.push(
      `--tolerance ${tolerance} was not reached: for certain the error is at most ${formatRatio(bound)}`,
    );
  }
  return texts;
}

function outputText({ output, product: { c, complete } }: MultiplyRun): string {
  if (!output) return "C was not kept; -o FILE writes it";
  const warning = complete ? "" : ", NOT COMPLETE";
  return `${output.file}: ${c.rows}×${c.cols} ${output.dtype}${warning}`;
}

function noteTexts({ file, rows, cols, dtype, notes }: OperandRun): string[] {
  const { rounded, largestRelativeChange, firstNonFinite } = notes;
  const texts: string[] = [];
  if (rounded > 0) {
    texts.push(
      `${file}: ${rounded} of ${rows * cols} ${dtype} values rounded to float32, ` +
        `by at most ${formatRatio(largestRelativeChange)} of their size`,
    );
  }
  if (firstNonFinite) {
    const { row, col, value } = firstNonFinite;
    texts.push(`${file}: not all values are finite: ${value} at row ${row}, column ${col}`);
  }
  return texts;
}

/** One line for whatever a worker rejected with. */
export function reasonText(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

function taskName({ task, worker }: Attempt): string {
  return `task ${task} (${worker})`;
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
