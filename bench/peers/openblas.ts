import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Contender, GemmJob, Operands } from "./contender.ts";

const source = fileURLToPath(new URL("../openblas/sgemm.c", import.meta.url));

/**
 * OpenBLAS's `sgemm` in a small C program, compiled here where a C compiler and the library are.
 *
 * @throws {Error} that says what is missing.
 */
export async function openOpenBlas(threads: number): Promise<Contender> {
  const folder = mkdtempSync(path.join(tmpdir(), "anyk-openblas-"));
  const program = path.join(folder, "sgemm");
  const { status, error, stderr } = spawnSync("cc", ["-O2", "-o", program, source, "-lopenblas"], {
    encoding: "utf8",
  });
  if (status !== 0) {
    rmSync(folder, { recursive: true });
    throw new Error(`cannot be compiled: ${error?.message ?? firstLine(stderr)}`);
  }
  const process = new SgemmProcess(program, threads);
  return {
    name: `openblas ${threads} ${threads === 1 ? "thread" : "threads"}`,
    group: "cpu",
    version: (await process.line()).trim(),
    copies: ["resident"],
    prepare: async (operands) => prepareJob(process, operands),
    async close() {
      await process.end();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function prepareJob(process: SgemmProcess, operands: Operands): Promise<GemmJob> {
  const { m, k, n, a, b } = operands;
  // One process serves one job after another, so each run says again what it is about.
  let loaded = false;
  const load = () => {
    if (loaded && process.holder === operands) return;
    process.send(`load ${m} ${k} ${n}\n`, a, b);
    process.holder = operands;
    loaded = true;
  };
  load();
  return {
    async run(repeats) {
      load();
      process.send(`run ${repeats}\n`);
      await process.line();
    },
    async read() {
      process.send("read\n");
      const bytes = await process.bytes(4 * m * n);
      return new Float32Array(bytes.buffer, bytes.byteOffset, m * n);
    },
    dispose: () => {},
  };
}

/** The program as a child, its output read piece by piece. */
class SgemmProcess {
  readonly #child: ChildProcess;
  #buffered: Buffer = Buffer.alloc(0);
  #wake: () => void = () => {};
  #ended = false;
  /** Whose operands the child holds. */
  holder: unknown;

  constructor(program: string, threads: number) {
    const { OPENBLAS_CORETYPE: _core, OPENBLAS_L2_SIZE: _cache, ...env } = process.env;
    this.#child = spawn(program, [String(threads)], {
      stdio: ["pipe", "pipe", "inherit"],
      // Its threads would otherwise spin for a while after each product, on other contenders' cores.
      env: { ...env, OPENBLAS_THREAD_TIMEOUT: "4" },
    });
    this.#child.stdout!.on("data", (chunk: Buffer) => {
      this.#buffered = Buffer.concat([this.#buffered, chunk]);
      this.#wake();
    });
    this.#child.stdin!.on("error", () => {});
    this.#child.on("error", () => {});
    this.#child.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  send(command: string, ...data: readonly Float32Array[]): void {
    const { stdin } = this.#child;
    stdin!.write(command);
    for (const { buffer, byteOffset, byteLength } of data) {
      stdin!.write(new Uint8Array(buffer, byteOffset, byteLength));
    }
  }

  async line(): Promise<string> {
    await this.#until(() => this.#buffered.includes("\n"));
    return this.#take(this.#buffered.indexOf("\n") + 1).toString();
  }

  /** Aligned for floats. */
  async bytes(count: number): Promise<Uint8Array<ArrayBuffer>> {
    await this.#until(() => this.#buffered.length >= count);
    return new Uint8Array(this.#take(count));
  }

  async end(): Promise<void> {
    this.#child.stdin!.end();
    if (!this.#ended) await new Promise((resolve) => this.#child.once("close", resolve));
  }

  #take(count: number): Buffer {
    const taken = this.#buffered.subarray(0, count);
    this.#buffered = this.#buffered.subarray(count);
    return taken;
  }

  async #until(ready: () => boolean): Promise<void> {
    while (!ready()) {
      if (this.#ended) throw new Error("the OpenBLAS program ended early");
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "") ?? "unknown reason";
}
