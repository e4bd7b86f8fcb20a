import type {
  DeviceDescription,
  GemmCandidate,
  GemmShape,
  RejectedCandidate,
  SkippedBucket,
  TunedBucket,
  TuneProgress,
  TuneResult,
} from "../kernels/index.ts";
import { type LineOptions, type Span, styledLine, wrapText } from "./styled-line.ts";
import { formatMs } from "./units.ts";

/** Everything that is told of one run of `anyk tune`. */
export interface TuneRun {
  readonly device: DeviceDescription;
  readonly result: TuneResult;
  /** Where the choices are kept; undefined for a dry run and where there are none. */
  readonly keptIn: string | undefined;
  readonly dryRun: boolean;
  /** Whether the device was opened with --experimental. */
  readonly experimental: boolean;
  /** Why earlier results on this machine were of no use, if there were any. */
  readonly unusable: string | undefined;
}

/** What `anyk tune --json` prints. Keys are added, never renamed or removed. Times are in ms. */
export interface TuneJson {
  readonly anyk: string;
  readonly device: {
    readonly description: string;
    readonly kind: "hardware" | "software";
    readonly vendor: string;
    readonly architecture: string;
    readonly driver: string;
  };
  /** null when nothing was kept. */
  readonly file: string | null;
  readonly elapsedMs: number;
  /** `own` is null where the planner's own choice could not run. */
  readonly buckets: readonly (Omit<TunedBucket, "own"> & {
    readonly own: TunedBucket["own"] | null;
  })[];
  readonly skipped: readonly SkippedBucket[];
}

/** A run as plain data. */
export function tuneJson({ device, result, keptIn }: TuneRun, version: string): TuneJson {
  const { description, kind, vendor, architecture, driver } = device;
  return {
    anyk: version,
    device: { description, kind, vendor, architecture, driver },
    file: keptIn ?? null,
    elapsedMs: result.elapsedMs,
    buckets: result.buckets.map((bucket) => ({ ...bucket, own: bucket.own ?? null })),
    skipped: result.skipped,
  };
}

/** A run for people. */
export function renderTuning(run: TuneRun, options: LineOptions): string[] {
  const { buckets, skipped, elapsedMs } = run.result;
  const count = buckets.length + skipped.length;
  const title = `${deviceTitle(run.device)}: ${counted(count, "product")} in ${formatMs(elapsedMs)}`;
  const rejected = buckets.flatMap((bucket) =>
    bucket.rejected.map((each) => ({ ...each, shape: bucket.shape })),
  );
  return [
    ...paragraph(title, options.width),
    ...(buckets.length > 0 ? ["", ...table(buckets, options)] : []),
    ...section(
      "Not tuned:",
      skipped.map((each) => `${targetText(each)}: ${each.reason}`),
      options,
    ),
    ...section("Kernels that failed, and are not used:", rejected.map(rejectedText), options),
    "",
    ...conclusions(run).flatMap((text) => paragraph(text, options.width)),
  ];
}

/** Where a run stands, in one line; undefined for what is not worth a line. */
export function tuneProgressText(event: TuneProgress): string | undefined {
  const place = `${event.index + 1} of ${event.count}`;
  if (event.kind === "begun") return `${place}  ${targetText(event.target)}`;
  if (event.kind === "measured") {
    const { candidate, target } = event;
    const speed = `${formatSpeed(candidate.gflops)} GFLOP/s`;
    return `${place}  ${targetText(target)}  ${speed}  ${candidateText(candidate)}`;
  }
  return undefined;
}

/** "tiled ROWS=8 QUADS=2": a kernel and its parameters. */
function candidateText({ family, config }: GemmCandidate): string {
  return [family, ...Object.entries(config).map(([name, value]) => `${name}=${value}`)].join(" ");
}

function table(buckets: readonly TunedBucket[], options: LineOptions): string[] {
  const rows = buckets.map((bucket) => {
    const { own, best, gain } = bucket;
    return {
      cells: [
        targetText(bucket),
        own ? formatSpeed(own.gflops) : "failed",
        formatSpeed(best.gflops),
        isGain(bucket) && own ? `${gain.toFixed(2)}×` : "",
      ],
      kernel: candidateText(best),
      better: isGain(bucket),
    };
  });
  const head = ["m×k×n", "untuned", "tuned", "gain"];
  const widths = head.map((name, i) =>
    Math.max(name.length, ...rows.map(({ cells }) => cells[i]!.length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ");
  const indent = 2 + line(head).length + 2;
  const styled = (text: string, style: Span["style"]) =>
    styledLine([{ text, ...(style && { style }) }], options);
  return [
    styled(`  ${line(head)}  kernel`, "dim"),
    ...rows.flatMap(({ cells, kernel, better }) =>
      wrapText({ name: `  ${line(cells)}`, text: kernel, indent, width: options.width }).map(
        (text) => styled(text, better ? "green" : undefined),
      ),
    ),
    styled("  Speeds are in GFLOP/s.", "dim"),
  ];
}

function conclusions(run: TuneRun): string[] {
  const { device, result, keptIn, dryRun, experimental, unusable } = run;
  const { buckets } = result;
  const users = experimental
    ? "from now on where this device is opened with the same features, by openDevice({ experimental: true })"
    : "on this device from now on";
  const gains = buckets.filter(isGain).map(({ gain }) => gain);
  const best = gains.length > 0 ? `, up to ${Math.max(...gains).toFixed(2)}×` : "";
  return [
    ...(buckets.length > 0
      ? [
          `Faster than by the planner's own choice: ${gains.length} of ${buckets.length}${best}. Each stands for all products of about its size (sides within a factor of 1.4).`,
        ]
      : []),
    ...(unusable !== undefined ? [`Earlier results were replaced: ${unusable}.`] : []),
    ...(dryRun ? ["Nothing was kept (--dry-run)."] : []),
    ...(keptIn !== undefined ? [`Kept in ${keptIn}, and used ${users}.`] : []),
    ...(device.software
      ? [
          "This device computes on the CPU: only --device software uses it; --device auto has the CPU worker, which is faster.",
        ]
      : []),
  ];
}

function section(title: string, items: readonly string[], { width }: LineOptions): string[] {
  if (items.length === 0) return [];
  const lines = items.flatMap((text) => wrapText({ name: "", text, indent: 2, width }));
  return ["", title, ...lines];
}

function paragraph(text: string, width: number): string[] {
  return wrapText({ name: "", text, indent: 0, width });
}

function rejectedText(rejected: RejectedCandidate & { readonly shape: GemmShape }): string {
  return `${shapeText(rejected.shape)} ${candidateText(rejected.candidate)}: ${rejected.reason}`;
}

function targetText({ shape, precision }: Pick<SkippedBucket, "shape" | "precision">): string {
  return `${shapeText(shape)} ${precision}`;
}

function shapeText({ m, k, n }: GemmShape): string {
  return `${m}×${k}×${n}`;
}

function deviceTitle({ description, vendor, architecture }: DeviceDescription): string {
  return description || [vendor, architecture].filter((part) => part).join(" ") || "this device";
}

function isGain({ own, best }: TunedBucket): boolean {
  return own === undefined || candidateText(own) !== candidateText(best);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function formatSpeed(gflops: number): string {
  if (gflops >= 100) return gflops.toFixed(0);
  return gflops.toFixed(gflops >= 10 ? 1 : 2);
}
