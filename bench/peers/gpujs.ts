import type { Copies } from "../record.ts";
import type { Contender, GemmJob, LoadModule, Operands } from "./contender.ts";

/** A matrix on the device. */
interface GpuResult {
  readonly context: { readonly device: GPUDevice };
  toArray(): Promise<Float32Array[]>;
  delete(): void;
}
type Kernel = {
  (...args: readonly unknown[]): Promise<unknown> | unknown;
  setOutput(size: readonly [number, number]): Kernel;
  setConstants(constants: Readonly<Record<string, number>>): Kernel;
  setPipeline(on: boolean): Kernel;
  setPrecision(precision: "single"): Kernel;
  destroy(): void;
};
interface GpuJs {
  createKernel(source: unknown): Kernel;
  destroy(): Promise<void> | void;
}
interface GpuJsModule {
  readonly GPU: new (options: { readonly mode: GpuJsMode }) => GpuJs;
  input(values: Float32Array, size: readonly [number, number]): unknown;
}
type GpuJsMode = "webgpu" | "webgl2";

// gpu.js compiles the text of functions, so they are made of text: no transpiler has touched it.
const MULTIPLY = new Function(
  "a",
  "b",
  `let sum = 0;
   for (let i = 0; i < this.constants.k; i++) {
     sum += a[this.thread.y][i] * b[i][this.thread.x];
   }
   return sum;`,
);
const IDENTITY = new Function("a", "return a[this.thread.y][this.thread.x];");

/** gpu.js with the matrix product of its own documentation. */
export async function openGpuJs(
  load: LoadModule,
  mode: GpuJsMode,
  version: string,
): Promise<Contender> {
  const { GPU, input } = (await load("gpu.js")) as GpuJsModule;
  const gpu = new GPU({ mode });
  return {
    name: `gpu.js ${mode}`,
    group: "webgpu",
    version,
    copies: mode === "webgpu" ? ["resident", "host"] : ["host"],
    prepare: (operands, copies) => prepareJob({ gpu, input }, operands, copies),
    close: () => gpu.destroy(),
  };
}

async function prepareJob(
  { gpu, input }: { readonly gpu: GpuJs; readonly input: GpuJsModule["input"] },
  { m, k, n, a, b }: Operands,
  copies: Copies,
): Promise<GemmJob> {
  const kernels: Kernel[] = [];
  const kernel = (source: unknown, size: readonly [number, number], onDevice: boolean) => {
    const created = gpu
      .createKernel(source)
      .setOutput(size)
      .setPrecision("single")
      .setPipeline(onDevice);
    kernels.push(created);
    return created;
  };
  const onDevice = copies === "resident";
  const multiply = kernel(MULTIPLY, [n, m], onDevice).setConstants({ k });
  let left = input(a, [k, m]);
  let right = input(b, [n, k]);
  if (onDevice) {
    left = await kernel(IDENTITY, [k, m], true)(left);
    right = await kernel(IDENTITY, [n, k], true)(right);
  }
  let product: unknown;
  return {
    async run(repeats) {
      for (let i = 0; i < repeats; i++) {
        if (onDevice) (product as GpuResult | undefined)?.delete();
        product = await multiply(left, right);
      }
      if (onDevice) await (product as GpuResult).context.device.queue.onSubmittedWorkDone();
    },
    async read() {
      const rows = onDevice
        ? await (product as GpuResult).toArray()
        : (product as readonly Float32Array[]);
      const flat = new Float32Array(m * n);
      for (const [i, row] of rows.entries()) flat.set(row, i * n);
      return flat;
    },
    dispose() {
      for (const each of kernels) each.destroy();
    },
  };
}
