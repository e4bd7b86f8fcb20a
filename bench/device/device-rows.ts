/** C is read back in parts of this size. */
const PART_BYTES = 64 * 2 ** 20;

/** Reads rows of n floats each back from a device, in parts. The floats are gone after `visit`. */
export async function eachRows(
  device: GPUDevice,
  {
    buffer,
    rows,
    cols,
  }: { readonly buffer: GPUBuffer; readonly rows: number; readonly cols: number },
  visit: (part: Float32Array, first: number) => void,
): Promise<void> {
  const rowBytes = 4 * cols;
  const most = Math.min(rows, Math.max(1, Math.floor(PART_BYTES / rowBytes)));
  const { COPY_DST, MAP_READ } = GPUBufferUsage;
  const staging = device.createBuffer({ size: most * rowBytes, usage: COPY_DST | MAP_READ });
  try {
    for (let first = 0; first < rows; first += most) {
      const bytes = Math.min(most, rows - first) * rowBytes;
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(buffer, first * rowBytes, staging, 0, bytes);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ, 0, bytes);
      visit(new Float32Array(staging.getMappedRange(0, bytes)), first);
      staging.unmap();
    }
  } finally {
    staging.destroy();
  }
}
