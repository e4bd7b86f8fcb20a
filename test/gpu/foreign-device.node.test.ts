import { expect, test } from "vitest";
import { create } from "webgpu";
import { createEngine, matdot } from "../../src/index.ts";
import { unpackSwiftShader, withSwiftShader } from "../../src/kernels/device/swiftshader.ts";
import { distance, multiplyReference64, randomMatrix } from "../support/matrices.ts";

const linuxX64 = process.platform === "linux" && process.arch === "x64";

test("a device that the caller opened works, without the globals that our own Dawn would define", async (context) => {
  if (!linuxX64) return context.skip("SwiftShader comes with npm for Linux x64 only");
  expect("GPUBufferUsage" in globalThis).toBe(false);
  const gpu = create(["backend=vulkan"]);
  const folder = await unpackSwiftShader();
  const adapter = await withSwiftShader(folder, () => gpu.requestAdapter());
  const device = await adapter!.requestDevice();
  const a = randomMatrix(13, 17, 1);
  const b = randomMatrix(17, 11, 2);
  {
    await using engine = await createEngine({ device, workers: 2 });
    const { c, error } = await engine.multiply(a, b, { code: matdot({ parts: 2, tasks: 4 }) });
    expect(distance(c, multiplyReference64(a, b))).toBeLessThanOrEqual(error.bound * 17 * 13);
  }
  // It stays the caller's: still open.
  expect(await Promise.race([device.lost, "open"])).toBe("open");
  device.destroy();
  expect(gpu).toBeDefined(); // kept alive until here
});
