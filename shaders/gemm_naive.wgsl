// C = A·B or C += A·B, f32, row-major. One invocation makes one element of C. The reference that
// faster kernels are tested against, and the kernel for products of very few rows or columns.
//
// Host contract (src/kernels/gemm-plan.ts, gemm.ts):
//   COLS, ROWS      invocations of a workgroup along n and m, COLS·ROWS ≤ 64
//   TRANSPOSE_A     A is stored k×m instead of m×k; TRANSPOSE_B: B is stored n×k instead of k×n
//   dispatch        (ceil(n / COLS), ceil(m / ROWS), 1)
//   a, b, c         windows of the operands' buffers; element (i, j) of an operand as stored is
//                   number base + i·stride + j; stride may be anything where there is but one row
//   shared memory   none
//   edges           invocations outside C do nothing
//   rounding        one fma after the other in order of k, from 0, or from C where accumulate ≠ 0:
//                   |Ĉ - A·B| ≤ γ_k |A||B|, accumulating |Ĉ - (C + A·B)| ≤ γ_{k+1} (|C| + |A||B|),
//                   γ_n = n·u / (1 - n·u), u = 2^-24, fused or not, as long as nothing underflows

override COLS: u32 = 8u;
override ROWS: u32 = 8u;
override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;

struct Tile {
  m: u32,
  k: u32,
  n: u32,
  accumulate: u32,
  a_base: u32,
  a_stride: u32,
  b_base: u32,
  b_stride: u32,
  c_base: u32,
  c_stride: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(COLS, ROWS)
fn gemm_naive(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let col = id.x;
  if (row >= tile.m || col >= tile.n) {
    return;
  }
  // Where the row of A and the column of B begin, and how far their elements are apart.
  var a_at = tile.a_base + select(row * tile.a_stride, row, TRANSPOSE_A);
  var b_at = tile.b_base + select(col, col * tile.b_stride, TRANSPOSE_B);
  let a_step = select(1u, tile.a_stride, TRANSPOSE_A);
  let b_step = select(tile.b_stride, 1u, TRANSPOSE_B);
  let c_at = tile.c_base + row * tile.c_stride + col;

  var sum = 0.0;
  if (tile.accumulate != 0u) {
    sum = c[c_at];
  }
  for (var i = 0u; i < tile.k; i++) {
    sum = fma(a[a_at], b[b_at], sum);
    a_at += a_step;
    b_at += b_step;
  }
  c[c_at] = sum;
}
