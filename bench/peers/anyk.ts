import { type GemmOptions, planGemm, prepareGemm } from "../../src/kernels/index.ts";
import { fromHalves, toHalves } from "../halves.ts";
import type { Copies } from "../record.ts";
import type { Contender, GemmJob, Operands } from "./contender.ts";

export interface AnykOptions {
  readonly name: string;
  readonly device: GPUDevice;
  readonly note?: string;
  /** Handed to `planGemm`. */
  readonly gemm?: GemmOptions;
}

/** anyk's GEMM on a device that stays the caller's. */
export function anykContender({ name, device, note, gemm }: AnykOptions): Contender {
  return {
    name,
    group: "anyk",
    version: "this commit",
    ...(note === undefined ? {} : { note }),
    copies: ["resident", "host"],
    prepare: (operands, copies) => prepareJob(device, operands, copies, gemm),
    close: () => {},
  };
}

async function prepareJob(
  device: GPUDevice,
  operands: Operands,
  copies: Copies,
  options?: GemmOptions,
): Promise<GemmJob> {
  const { m, k, n } = operands;
  const halves = options?.precision === "f16";
  const [a, b] = [operands.a, operands.b].map((each) => (halves ? toHalves(each) : each));
  const plan = planGemm({ m, k, n }, device, options);
  const prepared = await prepareGemm(device, plan);
  const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
  const create = (size: number, usage: number) =>
    device.createBuffer({ size: 4 * Math.ceil(size / 4), usage });
  const buffers = {
    a: create(a!.byteLength, STORAGE | COPY_DST),
    b: create(b!.byteLength, STORAGE | COPY_DST),
    c: create(4 * m * n, STORAGE | COPY_SRC),
  };
  const staging = create(4 * m * n, MAP_READ | COPY_DST);
  const upload = () => {
    device.queue.writeBuffer(buffers.a, 0, a!);
    device.queue.writeBuffer(buffers.b, 0, b!);
  };
  const download = async (encoder: GPUCommandEncoder) => {
    encoder.copyBufferToBuffer(buffers.c, 0, staging, 0, staging.size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const product = new Float32Array(staging.getMappedRange()).slice();
    staging.unmap();
    return product;
  };
  let last: Float32Array | undefined;
  if (copies === "resident") upload();

  return {
    roundings: plan.roundings,
    ...(halves
      ? {
          rounded: {
            ...operands,
            a: fromHalves(a as Uint16Array),
            b: fromHalves(b as Uint16Array),
          },
        }
      : {}),
    async run(repeats) {
      if (copies === "resident") {
        const encoder = device.createCommandEncoder();
        for (let i = 0; i < repeats; i++) prepared.record(encoder, buffers);
        device.queue.submit([encoder.finish()]);
        await device.queue.onSubmittedWorkDone();
        return;
      }
      for (let i = 0; i < repeats; i++) {
        upload();
        const encoder = device.createCommandEncoder();
        prepared.record(encoder, buffers);
        last = await download(encoder);
      }
    },
    read: async () => last ?? download(device.createCommandEncoder()),
    dispose() {
      prepared[Symbol.dispose]();
      for (const buffer of [...Object.values(buffers), staging]) buffer.destroy();
    },
  };
}
