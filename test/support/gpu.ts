import { afterAll, describe, inject, test } from "vitest";

import { NoDeviceError } from "../../src/core/errors.ts";
import { openDevice } from "../../src/kernels/device/device.ts";
import type { DeviceKind } from "../../src/kernels/device/device-adapters.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** ANYK_TEST_DEVICE: the kind of device that tests run on; "software" unless told. */
    testDevice: DeviceKind;
    /** REQUIRE_GPU=1: without a device tests fail instead of being skipped. */
    requireGpu: boolean;
  }
}

/** For tests that open devices of their own. */
export const testDeviceKind: DeviceKind = inject("testDevice");

const opened = await openDevice({ device: testDeviceKind }).catch((error: unknown) => {
  if (error instanceof NoDeviceError) return error;
  throw error;
});

/**
 * `describe` for tests that need a device. All blocks of a file share one, which is destroyed after
 * the file's last test; a test that loses its device opens another. Without a device the block is
 * skipped with a warning that says what is missing, or fails where REQUIRE_GPU=1.
 */
export function describeGpu(name: string, define: (device: GPUDevice) => void): void {
  if (!(opened instanceof NoDeviceError)) {
    describe(name, () => define(opened));
    return;
  }
  const required = inject("requireGpu");
  // biome-ignore lint/suspicious/noConsole: what is skipped must say so where people look
  if (!required) console.warn(`SKIPPED "${name}": ${opened.message}`);
  test(`${name} needs a device`, (context) => {
    if (required) throw opened;
    context.skip(opened.message);
  });
}

afterAll(() => {
  if (!(opened instanceof NoDeviceError)) opened.destroy();
});
