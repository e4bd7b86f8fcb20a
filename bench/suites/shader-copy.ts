/** @file Copies by a shader: the bandwidth that a kernel can have on a device, as STREAM's "copy" measures it. */

/** Shaders that only copy. Hardware likes many workgroups, software drivers wide elements and long loops. */
const VARIANTS = [
  { element: "vec4f", elementBytes: 16, workgroup: 64, steps: 1 },
  { element: "vec4f", elementBytes: 16, workgroup: 256, steps: 4 },
  { element: "vec4f", elementBytes: 16, workgroup: 8, steps: 512 },
  { element: "mat2x4f", elementBytes: 32, workgroup: 4, steps: 512 },
  { element: "mat2x4f", elementBytes: 32, workgroup: 8, steps: 128 },
  { element: "mat4x4f", elementBytes: 64, workgroup: 4, steps: 128 },
  { element: "mat4x4f", elementBytes: 64, workgroup: 8, steps: 128 },
] as const;

export interface ShaderCopy {
  readonly name: string;
  record(encoder: GPUCommandEncoder): void;
}

/** Ways to copy `from` to `to`, which have usage STORAGE and one size, a multiple of 64 bytes. */
export async function shaderCopies(
  device: GPUDevice,
  from: GPUBuffer,
  to: GPUBuffer,
): Promise<readonly ShaderCopy[]> {
  return await Promise.all(
    VARIANTS.map(async (variant) => {
      const { element, elementBytes, workgroup, steps } = variant;
      const name = `${element}, ${steps} each of ${workgroup}`;
      const pipeline = await device.createComputePipelineAsync({
        layout: "auto",
        compute: { module: device.createShaderModule({ code: codeOf(variant) }) },
      });
      const group = device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: [from, to].map((buffer, binding) => ({ binding, resource: { buffer } })),
      });
      const elements = to.size / elementBytes;
      const groups = Math.ceil(elements / (workgroup * steps));
      const [width, height] = [Math.min(groups, 32_768), Math.ceil(groups / 32_768)];
      return {
        name,
        record(encoder) {
          const pass = encoder.beginComputePass();
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, group);
          pass.dispatchWorkgroups(width, height);
          pass.end();
        },
      };
    }),
  );
}

function codeOf({ element, workgroup, steps }: (typeof VARIANTS)[number]): string {
  return `
    @group(0) @binding(0) var<storage, read> x: array<${element}>;
    @group(0) @binding(1) var<storage, read_write> y: array<${element}>;
    @compute @workgroup_size(${workgroup})
    fn copy(
      @builtin(workgroup_id) group: vec3u,
      @builtin(num_workgroups) groups: vec3u,
      @builtin(local_invocation_index) invocation: u32,
    ) {
      let first = (group.y * groups.x + group.x) * ${workgroup * steps}u + invocation;
      for (var step = 0u; step < ${steps}u; step++) {
        let at = first + step * ${workgroup}u;
        if (at < arrayLength(&y)) {
          y[at] = x[at];
        }
      }
    }`;
}
