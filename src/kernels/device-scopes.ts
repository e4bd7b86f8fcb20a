import { DeviceLimitError } from "../core/errors.ts";

/**
 * Runs `action` and gathers what the device has to say about it, which it otherwise reports to nobody.
 * Scopes are a stack of the device, so `action` must not wait for anything.
 *
 * @param what names the action in messages: "a gemm".
 * @throws {DeviceLimitError} when memory ran out.
 * @throws an Error with the driver's message otherwise; whatever `action` throws.
 */
export async function scoped(device: GPUDevice, what: string, action: () => void): Promise<void> {
  for (const filter of ["validation", "internal", "out-of-memory"] as const) {
    device.pushErrorScope(filter);
  }
  let outcome: { readonly thrown: unknown } | undefined;
  try {
    action();
  } catch (thrown) {
    outcome = { thrown };
  }
  const scopes = [1, 2, 3].map(() => device.popErrorScope());
  const [memory, internal, validation] = await Promise.all(scopes);
  if (outcome) throw outcome.thrown;
  if (memory) throw new DeviceLimitError(`the device is out of memory: ${memory.message}`);
  const error = validation ?? internal;
  if (error) throw new Error(`the device refused ${what}: ${error.message}`);
}
