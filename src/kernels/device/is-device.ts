/** A device of any implementation: Dawn's class is not a global, so `instanceof` does not tell. */
export function isDevice(value: unknown): value is GPUDevice {
  const device = value as Partial<GPUDevice> | null;
  return typeof device === "object" && typeof device?.createBuffer === "function";
}
