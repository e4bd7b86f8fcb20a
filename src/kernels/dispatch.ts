/** One dispatch with everything that it is given. */
export interface Dispatch {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  /** Bindings 0, 1, … of the group 0. */
  readonly resources: readonly GPUBufferBinding[];
  readonly workgroups: readonly [number, number, number];
}

/** Appends one dispatch to `pass`. */
export function dispatchWith(
  device: GPUDevice,
  pass: GPUComputePassEncoder,
  { label, pipeline, resources, workgroups }: Dispatch,
): void {
  const group = device.createBindGroup({
    label,
    layout: pipeline.getBindGroupLayout(0),
    entries: resources.map((resource, binding) => ({ binding, resource })),
  });
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(...workgroups);
}
