import type { GemmFamily, GemmKernel } from "./gemm-family.ts";
import { gemmMatrix } from "./gemm-matrix.ts";
import { gemmNaive } from "./gemm-naive.ts";
import { gemmQuad } from "./gemm-quad.ts";
import { gemmRegister } from "./gemm-register.ts";
import { gemmSubgroup } from "./gemm-subgroup.ts";
import { gemmTiled } from "./gemm-tiled.ts";
import { gemmVector } from "./gemm-vector.ts";

/** Every family: a new kernel is a shader, a file that describes it, and one entry here. */
export const gemmKernels: Readonly<Record<GemmFamily, GemmKernel>> = {
  naive: gemmNaive,
  tiled: gemmTiled,
  register: gemmRegister,
  subgroup: gemmSubgroup,
  quad: gemmQuad,
  vector: gemmVector,
  matrix: gemmMatrix,
};

/** The names of all families. */
export const gemmFamilies = Object.keys(gemmKernels) as readonly GemmFamily[];
