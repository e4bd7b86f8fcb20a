import { openContenders } from "../../bench/open-contenders.ts";
import type { Progress } from "../../bench/progress.ts";
import type { CombineRow, ContenderRecord, GemmRow } from "../../bench/record.ts";
import { STYLE } from "../../bench/report/style.ts";
import { runCombineSuite } from "../../bench/suites/combine.ts";
import { runGemmSuite } from "../../bench/suites/gemm.ts";
import { describeDevice } from "../../src/kernels/index.ts";
import { CONTENDER_NAMES, contenderSources } from "./contenders.ts";
import { openPageDevice } from "./device.ts";
import pageStyle from "./page.css?inline";
import { renderResults } from "./results.ts";

/** @file `demo/bench.html`: anyk's kernels against the peers' browser builds, on this browser's WebGPU. */

/** What one run has found so far. */
export interface PageResults {
  readonly contenders: readonly ContenderRecord[];
  readonly gemm: readonly GemmRow[];
  readonly combine: readonly CombineRow[];
}

const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE + pageStyle);
document.adoptedStyleSheets = [sheet];

const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const run = byId<HTMLButtonElement>("run");
const cancel = byId<HTMLButtonElement>("cancel");
const save = byId<HTMLButtonElement>("save");
const status = byId("status");
const bar = byId<HTMLProgressElement>("progress");
let results: PageResults | undefined;
let controller: AbortController | undefined;

for (const name of CONTENDER_NAMES) {
  const choice = document.createElement("label");
  const box = Object.assign(document.createElement("input"), {
    type: "checkbox",
    checked: true,
    value: name,
  });
  choice.append(box, ` ${name}`);
  byId("contenders").append(choice);
}
byId("controls").addEventListener("submit", (event) => {
  event.preventDefault();
  void start();
});
cancel.addEventListener("click", () => {
  status.textContent = "Stopping after the present product …";
  controller?.abort(new Error("cancelled"));
});
save.addEventListener("click", () => download());
await introduce();

async function introduce(): Promise<void> {
  try {
    const device = await openPageDevice();
    const { description, vendor, architecture, software } = describeDevice(device);
    byId("adapter").textContent =
      `${description || [vendor, architecture].filter(Boolean).join(" ") || "An adapter that does not give its name"}` +
      `${software ? ": it computes on the CPU" : ""}. ${navigator.userAgent}`;
    device.destroy();
    run.disabled = false;
    status.textContent = "Ready.";
  } catch (error) {
    byId("adapter").textContent = "There is nothing to measure here.";
    status.textContent = messageOf(error);
  }
}

async function start(): Promise<void> {
  controller = new AbortController();
  const { signal } = controller;
  run.disabled = true;
  save.disabled = true;
  cancel.disabled = false;
  try {
    await measure(signal);
    bar.value = bar.max;
    status.textContent = "Done.";
  } catch (error) {
    bar.value = 0;
    status.textContent = signal.aborted ? "Cancelled." : `It failed: ${messageOf(error)}`;
  } finally {
    run.disabled = false;
    cancel.disabled = true;
    save.disabled = results === undefined;
  }
}

async function measure(signal: AbortSignal): Promise<void> {
  const largest = Number(byId<HTMLSelectElement>("largest").value);
  const wanted = [...document.querySelectorAll<HTMLInputElement>("#contenders input")]
    .filter(({ checked }) => checked)
    .map(({ value }) => value);
  const sides = [64, 128, 256, 512, 1024, 2048].filter((side) => side <= largest);
  // Each contender opens, then has a turn at every side in two ways; three combinations follow.
  bar.max = wanted.length * (1 + 2 * sides.length) + 3;
  bar.value = 0;
  const progress: Progress = {
    step(text) {
      status.textContent = text;
      bar.value += text.startsWith("gemm") && !text.includes(":") ? 0 : 1;
    },
    note: (text) => progress.step(text),
    end: () => {},
  };

  const device = await openPageDevice();
  let gemm: readonly GemmRow[] = [];
  let combine: readonly CombineRow[] = [];
  const sources = contenderSources(device)
    .filter(({ name }) => wanted.includes(name))
    .map((source) => ({
      ...source,
      async open() {
        signal.throwIfAborted();
        progress.step(`Loading ${source.name}`);
        return source.open();
      },
    }));
  const { open, records } = await openContenders(sources);
  const show = () => {
    results = { contenders: records, gemm, combine };
    byId("results").innerHTML = renderResults(results);
  };
  try {
    signal.throwIfAborted();
    show();
    await runGemmSuite({
      shapes: sides.map((side) => ({ m: side, k: side, n: side, set: "square", host: true })),
      contenders: open,
      maxRunSeconds: 2,
      budgetMs: 1000,
      progress,
      signal,
      onRows(rows) {
        gemm = [...rows];
        show();
      },
    });
    combine = await runCombineSuite({ device, sides: [512], budgetMs: 1000, progress, signal });
    show();
  } finally {
    for (const contender of open) await contender.close();
    device.destroy();
  }
}

function download(): void {
  const about = { format: "anyk-bench-page/1", date: new Date(), browser: navigator.userAgent };
  const json = JSON.stringify({ ...about, ...results }, undefined, 1);
  const url = URL.createObjectURL(new Blob([json], { type: "application/json" }));
  Object.assign(document.createElement("a"), { href: url, download: "anyk-bench.json" }).click();
  URL.revokeObjectURL(url);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
