import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { barsOf } from "./bars.ts";
import { ownSources, peerSources } from "./contenders.ts";
import { openBenchDevices } from "./devices.ts";
import { ensurePeers } from "./ensure-peers.ts";
import { describeCommit, describeMachine } from "./machine.ts";
import { ANYK } from "./names.ts";
import { openContenders } from "./open-contenders.ts";
import type { BenchOptions, Suite } from "./options.ts";
import type { ContenderSource } from "./peers/contender.ts";
import { stderrProgress } from "./progress.ts";
import type { BenchRecord, ContenderRecord, ReferenceFigures } from "./record.ts";
import { renderHtml } from "./report/html.ts";
import { renderMarkdown } from "./report/markdown.ts";
import { scaleOf } from "./scale.ts";
import { sweepShapes } from "./shapes.ts";
import { runCodedSuite } from "./suites/coded.ts";
import { runCombineSuite } from "./suites/combine.ts";
import { runGemmSuite } from "./suites/gemm.ts";
import { runOddSuite } from "./suites/odd.ts";
import { runStartupSuite } from "./suites/startup.ts";
import { runTuningSuite } from "./suites/tuning.ts";

/** Runs what `options` ask for and writes JSON, Markdown and HTML. */
export async function runBench(options: BenchOptions, signal: AbortSignal): Promise<void> {
  const reference = options.reference ? readReference(options.reference) : undefined;
  const missing = options.peers ? ensurePeers() : "left out by --no-peers";
  const progress = stderrProgress();
  const devices = await openBenchDevices(options.device);
  const { adapter } = devices;
  progress.note(`${adapter.description || adapter.slug}, driver: ${adapter.driver}`);

  const contenders = await openContenders([
    ...ownSources(devices),
    ...peerSources().map((source) => (missing ? unavailable(source, missing) : source)),
  ]);
  for (const { name, reason } of contenders.records) {
    if (reason) progress.note(`${name} is unavailable: ${reason}`);
  }
  const run = { device: devices.device, progress, signal };
  const scale = scaleOf(devices, options.quick);
  const remarks: string[] = [];
  /** A suite that fails says so and leaves the others their turn. */
  const suite = async <T>(name: Suite, body: () => Promise<T[]>): Promise<T[]> => {
    if (!options.only.includes(name)) return [];
    try {
      return await body();
    } catch (error) {
      signal.throwIfAborted();
      remarks.push(`${name} failed: ${error instanceof Error ? error.message : String(error)}`);
      progress.note(remarks.at(-1)!);
      return [];
    }
  };
  const gemm = await suite("gemm", () =>
    runGemmSuite({
      ...run,
      ...scale.gemm,
      shapes: sweepShapes({ quick: options.quick, ...scale.shapes }),
      contenders: contenders.open,
    }));
  for (const contender of contenders.open) await contender.close();
  const [odd] = await suite("odd", () => runOddSuite({ ...run, ...scale.odd }));
  const tuning = await suite("tuning", () => runTuningSuite({ ...run, ...scale.tuning }));
  const combine = await suite("combine", () => runCombineSuite({ ...run, ...scale.combine }));
  const coded = await suite("coded", () => runCodedSuite({ ...run, ...scale.coded }));
  const startup = await suite("startup", () =>
    runStartupSuite({
      ...run,
      device: options.device,
      names: startable(contenders.records),
      size: 256,
    }));

  const measured: BenchRecord = {
    format: "anyk-bench/1",
    command: ["npm run bench", ...(process.argv[2] ? ["--"] : []), ...process.argv.slice(2)].join(
      " ",
    ),
    date: new Date().toISOString(),
    commit: describeCommit(),
    machine: describeMachine(),
    adapter,
    quick: options.quick,
    contenders: contenders.records,
    gemm,
    ...(odd ? { odd } : {}),
    tuning,
    combine,
    coded,
    startup,
    ...(reference ? { reference } : {}),
    bars: [],
    remarks,
  };
  const record = { ...measured, bars: barsOf(measured) };
  progress.end();
  write(record, options.out);
}

function write(record: BenchRecord, out: string): void {
  const folder = path.join(out, record.adapter.slug);
  mkdirSync(folder, { recursive: true });
  const stem = path.join(folder, record.date.slice(0, 16).replace(":", ""));
  writeFileSync(`${stem}.json`, `${JSON.stringify(record, undefined, 1)}\n`);
  const markdown = renderMarkdown(record);
  writeFileSync(`${stem}.md`, markdown);
  writeFileSync(`${stem}.html`, renderHtml(record));
  process.stdout.write(`${markdown}\nWritten: ${stem}.json, .md and .html\n`);
}

/** Each WebGPU contender once, and those on the CPU that start in Node. */
function startable(records: readonly ContenderRecord[]): string[] {
  return records
    .filter(({ status, group, name }) => status === "ran" && (group !== "anyk" || name === ANYK))
    .map(({ name }) => name);
}

function unavailable(source: ContenderSource, reason: string): ContenderSource {
  return { ...source, open: () => Promise.reject(new Error(reason)) };
}

function readReference(file: string): ReferenceFigures {
  try {
    const parsed = JSON.parse(readFileSync(file, "utf8")) as ReferenceFigures;
    if (!Array.isArray(parsed.figures)) throw new Error('it has no array "figures"');
    return parsed;
  } catch (cause) {
    throw new Error(`--reference ${file}: ${cause instanceof Error ? cause.message : cause}`);
  }
}
