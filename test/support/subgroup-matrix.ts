/**
 * @file Subgroup matrices without the hardware. A "subgroup" of one invocation holds whole matrices of
 * sums in arrays, and the built-in functions become loops: so `shaders/gemm_matrix.wgsl` runs on any device, with
 * its own tiles, edges, transposes and scales, and only the arithmetic of tensor cores is missing.
 */

import type { GemmDevice } from "../../src/kernels/gemm/gemm-family.ts";

/** A shape of matrices as `subgroupMatrixConfigs` has it. */
export interface MatrixSides {
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** What the family "matrix" needs. */
export const MATRIX_FEATURES: readonly string[] = [
  "shader-f16",
  "subgroups",
  "subgroup-size-control",
  "chromium-experimental-subgroup-matrix",
];

/** What a planner reads of a device with subgroup matrices of halves that are summed in float32. */
export function matrixDevice(
  limits: GemmDevice["limits"],
  options: {
    readonly matrices: readonly MatrixSides[];
    /** Invocations of a subgroup. */
    readonly lanes: number;
    readonly features?: readonly string[];
  },
): GemmDevice {
  const { matrices, lanes, features = MATRIX_FEATURES } = options;
  const info = {
    vendor: "nvidia",
    architecture: "hopper",
    isFallbackAdapter: false,
    subgroupMinSize: lanes,
    subgroupMaxSize: lanes,
    subgroupMatrixConfigs: matrices.map((sides) => ({
      componentType: "f16",
      resultComponentType: "f32",
      ...sides,
    })),
  };
  return { limits, features: new Set(features), adapterInfo: info as Partial<GPUAdapterInfo> };
}

/** `device`, but for the shaders with subgroup matrices of plans for one lane a subgroup. */
export function emulatingMatrices(device: GPUDevice): GPUDevice {
  return new Proxy(device, {
    get(target, name) {
      if (name === "createShaderModule") {
        return (descriptor: GPUShaderModuleDescriptor) =>
          target.createShaderModule({ ...descriptor, code: withoutMatrices(descriptor.code) });
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function withoutMatrices(code: string): string {
  if (!code.includes("subgroup_matrix")) return code;
  const rewritten = code
    .replace(/enable \w+; ?/g, "")
    .replace("subgroup_matrix_left<f16, K, M>", "u32")
    .replace("subgroup_matrix_right<f16, N, K>", "u32")
    .replace("subgroup_matrix_result<f32, N, M>", "array<f32, M * N>")
    .replace(/subgroupMatrixLoad<(\w+), (\w+)>\(&tile_\w\[block\], 0u, \w+\)/g, "load_$1_$2(block)")
    .replaceAll("subgroupMatrixMultiplyAccumulate(", "multiply_matrices(")
    .replace(
      /subgroupMatrixStore<row_major>\(&patches\[(.*?)\], 0u, (\w+), N \/ 4u\)/g,
      "fill($1, $2)",
    )
    .replace(
      /subgroupMatrixStore<row_major>\(&c, (.*?), (\w+), (.*?)\)/g,
      "store_matrix($1, $2, $3)",
    )
    .replace(" @subgroup_size(LANES)", "")
    .replace(/ *@builtin\(subgroup\w*\) \w+: u32,\n/g, "")
    .replace("  let product =", "  let subgroup = index;\n  let lane = 0u;\n  let product =");
  if (/subgroup_(?!row|col)|subgroupMatrix[LSM]/.test(rewritten)) {
    throw new Error("the emulation does not know all that the shader uses");
  }
  return rewritten + EMULATION;
}

// What is loaded is the number of a block, twice, plus one if its lines are columns: it does not change as
// long as it is used.
const EMULATION = `
fn load_Left_row_major(block: u32) -> Left { return 2u * block; }
fn load_Left_col_major(block: u32) -> Left { return 2u * block + 1u; }
fn load_Right_row_major(block: u32) -> Right { return 2u * block; }
fn load_Right_col_major(block: u32) -> Right { return 2u * block + 1u; }
fn half_a(l: Left, row: u32, col: u32) -> f32 {
  let at = select(row * A_PITCH * 8u + col, col * A_PITCH * 8u + row, l % 2u == 1u);
  return unpack2x16float(tile_a[l / 2u][at / 8u][at % 8u / 2u])[at % 2u];
}
fn half_b(r: Right, row: u32, col: u32) -> f32 {
  let at = select(row * B_PITCH * 8u + col, col * B_PITCH * 8u + row, r % 2u == 1u);
  return unpack2x16float(tile_b[r / 2u][at / 8u][at % 8u / 2u])[at % 2u];
}
fn multiply_matrices(l: Left, r: Right, sums: Result) -> Result {
  var matrix = sums;
  for (var row = 0u; row < M; row++) {
    for (var i = 0u; i < K; i++) {
      let element = half_a(l, row, i);
      for (var col = 0u; col < N; col++) {
        matrix[row * N + col] += element * half_b(r, i, col);
      }
    }
  }
  return matrix;
}
fn fill(at: u32, sums: Result) {
  var matrix = sums;
  for (var e = 0u; e < M * N; e++) { patches[at][e / 4u][e % 4u] = matrix[e]; }
}
fn store_matrix(at: u32, sums: Result, stride: u32) {
  var matrix = sums;
  for (var e = 0u; e < M * N; e++) { c[at + e / N * stride + e % N] = matrix[e]; }
}
`;
