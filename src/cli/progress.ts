import type { ProgressEvent } from "../index.ts";
import type { CliContext } from "./context.ts";

/** A line that says what is going on, and is gone when it is disposed of. */
export interface ProgressLine extends Disposable {
  /** Something without a measure: "reading A.npy". */
  show(text: string): void;
  update(event: ProgressEvent): void;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MS = 100;
/** Back to the first column, and everything there erased. */
const CLEAR = "\r\u001b[2K";

/** Progress on standard error, if that is a terminal; otherwise nothing is ever printed. */
export function createProgressLine({
  stderr,
  env,
}: Pick<CliContext, "stderr" | "env">): ProgressLine {
  if (stderr.isTTY !== true || env.TERM === "dumb") {
    return { show() {}, update() {}, [Symbol.dispose]() {} };
  }
  let text = "";
  let frame = 0;
  let drawn = false;
  const draw = () => {
    if (text === "") return;
    const line = `${FRAMES[frame % FRAMES.length]} ${text}`;
    stderr.write(CLEAR + line.slice(0, (stderr.columns || 80) - 1));
    drawn = true;
  };
  const timer = setInterval(() => {
    frame++;
    draw();
  }, FRAME_MS);
  timer.unref();
  return {
    show(next) {
      text = next;
      draw();
    },
    update(event) {
      text = progressText(event);
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      if (drawn) stderr.write(CLEAR);
    },
  };
}

/** Where a multiplication stands, in one line. */
export function progressText(event: ProgressEvent): string {
  const { phase, received, needed, tasks, failures } = event;
  if (phase === "encode") return "encoding";
  if (phase === "decode") return "decoding";
  if (phase === "check") return "measuring the error";
  if (phase === "done") return "done";
  // Beyond a threshold that is no finite number, all tasks are the best guess of what is needed.
  const goal = Number.isFinite(needed) ? needed : tasks;
  const percent = Math.min(100, Math.floor((100 * received) / Math.max(1, goal)));
  const failed = failures > 0 ? `, ${failures} failed` : "";
  return `${percent}%  ${received} of ${goal} products${failed}`;
}
