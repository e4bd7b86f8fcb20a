import type { Copies } from "../record.ts";
import type { Contender, GemmJob, LoadModule, Operands } from "./contender.ts";

interface Tensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface WebGpuBackend {
  readonly device: GPUDevice;
  endComputePassEncoder?(): void;
  submitQueue(): void;
}
interface Tfjs {
  readonly version_core: string;
  env(): { set(flag: string, value: boolean): void };
  setBackend(name: string): Promise<boolean>;
  backend(): WebGpuBackend;
  tensor2d(values: Float32Array, shape: readonly [number, number]): Tensor;
  matMul(a: Tensor, b: Tensor): Tensor;
}

/** TensorFlow.js with its WebGPU back end, on `navigator.gpu`. */
export async function openTfjs(load: LoadModule): Promise<Contender> {
  const tf = (await load("@tensorflow/tfjs-core")) as Tfjs;
  await load("@tensorflow/tfjs-backend-webgpu");
  if (!(await tf.setBackend("webgpu"))) throw new Error("its WebGPU back end does not start");
  // It would compute small products on the CPU.
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  return {
    name: "tfjs webgpu",
    group: "webgpu",
    version: tf.version_core,
    copies: ["resident", "host"],
    prepare: async (operands, copies) => prepareJob(tf, operands, copies),
    close: () => {},
  };
}

function prepareJob(tf: Tfjs, { m, k, n, a, b }: Operands, copies: Copies): GemmJob {
  const left = tf.tensor2d(a, [m, k]);
  const right = tf.tensor2d(b, [k, n]);
  let product: Tensor | undefined;
  let last: Float32Array | undefined;
  const finish = async () => {
    const backend = tf.backend();
    backend.endComputePassEncoder?.();
    backend.submitQueue();
    await backend.device.queue.onSubmittedWorkDone();
  };
  return {
    async run(repeats) {
      for (let i = 0; i < repeats; i++) {
        if (copies === "host") {
          const [x, y] = [tf.tensor2d(a, [m, k]), tf.tensor2d(b, [k, n])];
          const z = tf.matMul(x, y);
          last = await z.data();
          for (const tensor of [x, y, z]) tensor.dispose();
        } else {
          product?.dispose();
          product = tf.matMul(left, right);
        }
      }
      if (copies === "resident") await finish();
    },
    read: async () => last ?? product!.data(),
    dispose() {
      for (const tensor of [left, right, product]) tensor?.dispose();
    },
  };
}
