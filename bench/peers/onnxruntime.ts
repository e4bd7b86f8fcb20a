import type { Contender, GemmJob, LoadModule, Operands } from "./contender.ts";
import { matMulModel, residentModel } from "./onnx-model.ts";

interface OrtTensor {
  readonly data: Float32Array;
  dispose?(): void;
}
interface Session {
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}
interface OnnxRuntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<Session>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => OrtTensor;
}

export interface OnnxRuntimeOptions {
  readonly load: LoadModule;
  /** "onnxruntime-node", or "onnxruntime-web/webgpu" in a page. */
  readonly module: string;
  readonly provider: "webgpu" | "cpu" | "wasm";
  readonly version: string;
  readonly note?: string;
}

/** ONNX Runtime on its own WebGPU device or on the CPU. */
export async function openOnnxRuntime(options: OnnxRuntimeOptions): Promise<Contender> {
  const { load, module, provider, version, note } = options;
  const ort = (await load(module)) as OnnxRuntime;
  const open = (model: Uint8Array) =>
    ort.InferenceSession.create(model, {
      executionProviders: [provider],
      // Every one of the equal products is to be computed, and none of them beforehand.
      graphOptimizationLevel: "disabled",
      logSeverityLevel: 3,
    });
  const trial = await open(matMulModel({ m: 4, k: 4, n: 4 }));
  await trial.release();
  const onGpu = provider === "webgpu";
  return {
    name: `onnxruntime ${provider}`,
    group: onGpu ? "webgpu" : "cpu",
    version,
    ...(note === undefined ? {} : { note }),
    copies: onGpu ? ["resident", "host"] : ["resident"],
    prepare: (operands, copies) =>
      copies === "resident" && onGpu
        ? prepareResident(ort, open, operands)
        : prepareHost(ort, open, operands),
    close: () => {},
  };
}

type Open = (model: Uint8Array) => Promise<Session>;

async function prepareHost(
  { Tensor }: OnnxRuntime,
  open: Open,
  operands: Operands,
): Promise<GemmJob> {
  const { m, k, n, a, b } = operands;
  const session = await open(matMulModel(operands));
  const feeds = { A: new Tensor("float32", a, [m, k]), B: new Tensor("float32", b, [k, n]) };
  let product: OrtTensor | undefined;
  return {
    async run(repeats) {
      for (let i = 0; i < repeats; i++) product = (await session.run(feeds)).C!;
    },
    read: async () => product!.data,
    dispose: () => session.release(),
  };
}

/** A session holds a fixed number of products, so there is one for each number that is asked for. */
async function prepareResident(ort: OnnxRuntime, open: Open, operands: Operands): Promise<GemmJob> {
  const sessions = new Map<number, Session>();
  const sessionFor = async (repeats: number) => {
    const session = sessions.get(repeats) ?? (await open(residentModel(operands, repeats)));
    sessions.set(repeats, session);
    return session;
  };
  await sessionFor(1);
  let corner = Number.NaN;
  return {
    async run(repeats) {
      const { probe } = await (await sessionFor(repeats)).run({});
      corner = probe!.data.at(-1)!;
    },
    /** The same product with copies; throws if the one on the device was another. */
    async read() {
      const host = await prepareHost(ort, open, operands);
      await host.run(1);
      const product = await host.read();
      await host.dispose();
      if (product[0] === corner) return product;
      throw new Error(`C[0,0] is ${corner} on the device and ${product[0]} with copies`);
    },
    async dispose() {
      for (const session of sessions.values()) await session.release();
    },
  };
}
