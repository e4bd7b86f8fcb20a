/** A new storage buffer that holds `data`. The caller destroys it. */
export function upload(device: GPUDevice, data: Float32Array): GPUBuffer {
  const buffer = device.createBuffer({
    size: data.byteLength,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
    mappedAtCreation: true,
  });
  new Float32Array(buffer.getMappedRange()).set(data);
  buffer.unmap();
  return buffer;
}

/** All elements of a buffer that `upload` made, when everything submitted so far has run. */
export async function download(device: GPUDevice, buffer: GPUBuffer): Promise<Float32Array> {
  const staging = device.createBuffer({
    size: buffer.size,
    usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
  });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, staging);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const data = new Float32Array(staging.getMappedRange().slice(0));
  staging.destroy();
  return data;
}

/** Runs `action` and fails if the device reports a validation error, which is otherwise silent. */
export async function withoutValidationError<T>(
  device: GPUDevice,
  action: () => Promise<T>,
): Promise<T> {
  device.pushErrorScope("validation");
  const [outcome] = await Promise.allSettled([action()]);
  const error = await device.popErrorScope();
  if (error) throw new Error(error.message);
  if (outcome.status === "rejected") throw outcome.reason;
  return outcome.value;
}
