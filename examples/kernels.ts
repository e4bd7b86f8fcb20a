/** @file The README's use of `anyk/kernels`, with operands and a look at the product. */
import {
  BufferUsage,
  MAP_READ_MODE,
  openDevice,
  planGemm,
  prepareGemm,
} from "../src/kernels/index.ts";

const device = await openDevice();
const plan = planGemm({ m: 512, k: 1024, n: 256 }, device, { transposeB: true });
using gemm = await prepareGemm(device, plan);

const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = BufferUsage;
const upload = (elements: number) => {
  const buffer = device.createBuffer({ size: 4 * elements, usage: STORAGE | COPY_DST });
  device.queue.writeBuffer(
    buffer,
    0,
    Float32Array.from({ length: elements }, () => 1),
  );
  return buffer;
};
const a = upload(512 * 1024);
const b = upload(256 * 1024);
const c = device.createBuffer({ size: 4 * 512 * 256, usage: STORAGE | COPY_SRC });

const encoder = device.createCommandEncoder();
gemm.record(encoder, { a, b, c }); // A 512×1024, B stored 256×1024, C 512×256
const staging = device.createBuffer({ size: 4, usage: COPY_DST | MAP_READ });
encoder.copyBufferToBuffer(c, 4 * (512 * 256 - 1), staging, 0, 4);
device.queue.submit([encoder.finish()]);

await staging.mapAsync(MAP_READ_MODE);
const [last] = new Float32Array(staging.getMappedRange());
console.log(
  `${plan.family} makes the last element of C ${last}, after ${plan.roundings} roundings`,
);
device.destroy();
