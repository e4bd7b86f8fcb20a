/** One kernel, ready to be compiled. */
export interface PipelineSource {
  /** WGSL, complete. */
  readonly code: string;
  readonly entryPoint: string;
  /** Values of the overrides. */
  readonly constants: Readonly<Record<string, number>>;
}

const pipelines = new WeakMap<GPUDevice, Map<string, Promise<GPUComputePipeline>>>();

/**
 * The compiled pipeline of a kernel. Compiles once for a device and a set of constants, and keeps it
 * as long as the device: a pipeline serves every shape, and compiling takes longer than most
 * products. A failed attempt is not kept.
 */
export function compiledPipeline(
  device: GPUDevice,
  source: PipelineSource,
): Promise<GPUComputePipeline> {
  const compiled = pipelines.get(device) ?? new Map<string, Promise<GPUComputePipeline>>();
  pipelines.set(device, compiled);
  const key = JSON.stringify(source);
  const known = compiled.get(key);
  if (known) return known;

  const constants = Object.entries(source.constants).map(([name, value]) => `${name}=${value}`);
  const label = [source.entryPoint, ...constants].join(" ");
  const pipeline = device.createComputePipelineAsync({
    label,
    layout: "auto",
    compute: {
      module: device.createShaderModule({ label, code: source.code }),
      entryPoint: source.entryPoint,
      constants: source.constants,
    },
  });
  compiled.set(key, pipeline);
  pipeline.catch(() => compiled.delete(key));
  return pipeline;
}

/**
 * A shader with another first line: the prelude, which holds what WGSL can make no override.
 */
export function withPrelude(code: string, prelude: string): string {
  return prelude + code.slice(code.indexOf("\n"));
}
