import { parseArgs } from "node:util";

/** "emulated": a software driver with subgroup matrices made of loops, to try the recipe without a GPU. */
export type DeviceWish = "gpu" | "software" | "auto" | "emulated";

export interface CheckArguments {
  readonly device: DeviceWish;
  /** Folder of check.json; undefined: nothing is written. */
  readonly out: string | undefined;
  readonly quick: boolean;
  /** No new case begins after this. */
  readonly budgetMs: number;
  readonly compileOnly: boolean;
  /** Only groups in whose names this is. */
  readonly only: string;
  readonly help: boolean;
}

export interface MeasureArguments {
  readonly device: DeviceWish;
  /** Folder of results.json, results.md and tuning.json. */
  readonly out: string;
  readonly quick: boolean;
  readonly budgetMs: number;
  /** What of the budget goes to tuning. */
  readonly tuneMs: number;
  /** A file that cublas.py wrote. */
  readonly reference: string | undefined;
  /** A file that check.ts wrote. */
  readonly check: string | undefined;
  /** float32 TFLOP/s of the card outside its tensor cores. */
  readonly peakTflops: number;
  /** Prints the shapes as cublas.py takes them, and measures nothing. */
  readonly listShapes: boolean;
  readonly help: boolean;
}

export const CHECK_USAGE = `check [options]

  --device KIND     gpu (default), software, auto, or emulated: a software driver with subgroup
                    matrices made of loops
  --compile-only    only whether Dawn's compiler takes every subgroup-matrix shader; needs no driver
  --only TEXT       only groups that have TEXT in their names, such as f32-split
  --quick           fewer shapes
  --budget SECONDS  no case begins later; default 170, 45 with --quick
  --out FOLDER      writes check.json there
`;

export const MEASURE_USAGE = `measure [options]

  --device KIND       gpu (default), software, auto, or emulated
  --quick             fewer shapes and samples
  --budget SECONDS    nothing new begins later; default 280, 60 with --quick
  --tune SECONDS      of these, for tuning; default 90, 15 with --quick
  --reference FILE    what cublas.py wrote
  --check FILE        what check wrote
  --peak TFLOPS       float32 of the card without its tensor cores; default 67 (H100, H200)
  --out FOLDER        default .device/out
  --list-shapes       prints the shapes, for cublas.py --shapes
`;

/** @throws {Error} that names the argument and what it may be. */
export function parseCheck(args: readonly string[]): CheckArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...common,
      "compile-only": { type: "boolean", default: false },
      only: { type: "string", default: "" },
    },
  });
  const { quick, help, only, out } = values;
  return {
    device: deviceOf(values.device),
    out,
    quick,
    budgetMs: secondsOf("budget", values.budget, quick ? 45 : 170),
    compileOnly: values["compile-only"],
    only,
    help,
  };
}

/** @throws {Error} that names the argument and what it may be. */
export function parseMeasure(args: readonly string[]): MeasureArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...common,
      tune: { type: "string" },
      reference: { type: "string" },
      check: { type: "string" },
      peak: { type: "string", default: "67" },
      "list-shapes": { type: "boolean", default: false },
    },
  });
  const { quick, help, reference, check, out = ".device/out" } = values;
  const peakTflops = Number(values.peak);
  if (!(peakTflops > 0)) throw new Error(`--peak must be a number above 0, got ${values.peak}`);
  return {
    device: deviceOf(values.device),
    out,
    quick,
    budgetMs: secondsOf("budget", values.budget, quick ? 60 : 280),
    tuneMs: secondsOf("tune", values.tune, quick ? 15 : 90),
    reference,
    check,
    peakTflops,
    listShapes: values["list-shapes"],
    help,
  };
}

const common = {
  device: { type: "string", default: "gpu" },
  out: { type: "string" },
  quick: { type: "boolean", default: false },
  budget: { type: "string" },
  help: { type: "boolean", default: false },
} as const;

function deviceOf(value: string): DeviceWish {
  if (value === "gpu" || value === "software" || value === "auto" || value === "emulated") {
    return value;
  }
  throw new Error(`--device must be gpu, software, auto or emulated, got ${value}`);
}

/** In ms. */
function secondsOf(name: string, value: string | undefined, byDefault: number): number {
  const seconds = value === undefined ? byDefault : Number(value);
  if (!(seconds > 0)) {
    throw new Error(`--${name} must be a number of seconds above 0, got ${value}`);
  }
  return seconds * 1000;
}
