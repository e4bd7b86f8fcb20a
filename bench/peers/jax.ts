import type { Copies } from "../record.ts";
import type { Contender, GemmJob, LoadModule, Operands } from "./contender.ts";

type JaxDevice = "webgpu" | "wasm";
interface JaxArray {
  /** Another reference; operations use one up. */
  readonly ref: JaxArray;
  blockUntilReady(): Promise<JaxArray>;
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface Jax {
  init(...devices: JaxDevice[]): Promise<JaxDevice[]>;
  readonly numpy: {
    array(
      values: Float32Array,
      options: { readonly shape: readonly number[]; readonly device: JaxDevice },
    ): JaxArray;
    matmul(a: JaxArray, b: JaxArray): JaxArray;
  };
}

/** jax-js on `navigator.gpu` or on WebAssembly. */
export async function openJax(
  load: LoadModule,
  device: JaxDevice,
  version: string,
): Promise<Contender> {
  const jax = (await load("@jax-js/jax")) as Jax;
  if (!(await jax.init(device)).includes(device)) {
    throw new Error(`its ${device} back end does not start`);
  }
  return {
    name: `jax-js ${device}`,
    group: device === "webgpu" ? "webgpu" : "cpu",
    version,
    copies: device === "webgpu" ? ["resident", "host"] : ["resident"],
    prepare: (operands, copies) => prepareJob(jax, device, operands, copies),
    close: () => {},
  };
}

async function prepareJob(
  { numpy }: Jax,
  device: JaxDevice,
  { m, k, n, a, b }: Operands,
  copies: Copies,
): Promise<GemmJob> {
  const upload = () => [
    numpy.array(a, { shape: [m, k], device }),
    numpy.array(b, { shape: [k, n], device }),
  ];
  const [left, right] = upload() as [JaxArray, JaxArray];
  await left.blockUntilReady();
  await right.blockUntilReady();
  let product: JaxArray | undefined;
  let last: Float32Array | undefined;
  return {
    async run(repeats) {
      if (copies === "host") {
        for (let i = 0; i < repeats; i++) {
          const [x, y] = upload() as [JaxArray, JaxArray];
          last = await numpy.matmul(x, y).data();
        }
        return;
      }
      // Nothing is computed before it is asked for, so every product is waited for.
      const products = Array.from({ length: repeats }, () => numpy.matmul(left.ref, right.ref));
      await Promise.all(products.map((each) => each.blockUntilReady()));
      product?.dispose();
      product = products.pop();
      for (const each of products) each.dispose();
    },
    read: async () => last ?? product!.ref.data(),
    dispose() {
      for (const each of [left, right, product]) each?.dispose();
    },
  };
}
