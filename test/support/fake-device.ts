/**
 * A device that can be leased and lost, and computes nothing. `lose` announces its loss, as `destroy`
 * does.
 */
export function fakeDevice(): {
  readonly device: GPUDevice;
  lose(): Promise<void>;
  isDestroyed(): boolean;
} {
  let isDestroyed = false;
  let announce: (info: GPUDeviceLostInfo) => void = () => {};
  const lost = new Promise<GPUDeviceLostInfo>((resolve) => {
    announce = resolve;
  });
  const lose = async () => {
    announce({ __brand: "GPUDeviceLostInfo", reason: "destroyed", message: "by a test" });
    await new Promise((resolve) => setTimeout(resolve));
  };
  const device: Partial<GPUDevice> = {
    limits: { maxBufferSize: 2 ** 28 } as GPUSupportedLimits,
    features: new Set() as unknown as GPUSupportedFeatures,
    lost,
    createBuffer() {
      throw new Error("a fake device has no buffers");
    },
    destroy() {
      isDestroyed = true;
      void lose();
    },
  };
  return { device: device as GPUDevice, lose, isDestroyed: () => isDestroyed };
}
