alias ElemA = vec4f; const WIDTH_A = 4u; fn widen_a(word: ElemA) -> vec4f { return word; } alias ElemB = vec4f; const WIDTH_B = 4u; fn widen_b(word: ElemB) -> vec4f { return word; } alias ElemC = f32; const WIDTH_C = 1u; fn narrow_c(values: vec4f) -> ElemC { return values.x; } // the host replaces this line

// C = A·B or C += A·B, row-major, products and sums in f32. One invocation makes one element of C.
// The reference that faster kernels are tested against.
//
// Host contract (src/kernels/gemm/gemm-naive.ts, gemm-plan.ts):
//   THREADS_M, THREADS_N   invocations of a workgroup along m and n,
//                   THREADS_M·THREADS_N ≤ maxComputeInvocationsPerWorkgroup
//   ElemA, ElemB    a word of A or B as stored: WIDTH elements, which widen_… makes float32
//   ElemC           f32
//   TRANSPOSE_A     A is stored k×m instead of m×k; TRANSPOSE_B: B is stored n×k instead of k×n
//   ACCUMULATE      C += A·B
//   dispatch        (ceil(n / THREADS_N), ceil(m / THREADS_M), products·slices)
//   a, b, c         windows of the operands' buffers; element (i, j) of an operand as stored is
//                   number base + i·stride + j, and that of the next product of a batch is batch
//                   elements further on. Where WIDTH is 4, all of these and the columns as stored
//                   are multiples of 4
//   slices          parts of k: z = product·slices + slice. Slice s sums k_slice·s … of k into a
//                   matrix of its own, c_slice elements after the one before; k_slice is a multiple of 4
//   shared memory   none
//   edges           invocations outside C do nothing
//   rounding        one fma after the other in order of k, from 0, or from C where ACCUMULATE:
//                   |Ĉ - A·B| ≤ γ_k |A||B|, accumulating |Ĉ - (C + A·B)| ≤ γ_{k+1} (|C| + |A||B|),
//                   γ_n = n·u / (1 - n·u), u = 2^-24, fused or not, as long as nothing underflows;
//                   k is the length of a slice

override THREADS_M: u32 = 8u;
override THREADS_N: u32 = 8u;
override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;
override ACCUMULATE: bool = false;

struct Tile {
  m: u32,
  k: u32,
  n: u32,
  a_base: u32,
  a_stride: u32,
  b_base: u32,
  b_stride: u32,
  c_base: u32,
  c_stride: u32,
  slices: u32,
  k_slice: u32,
  a_batch: u32,
  b_batch: u32,
  c_batch: u32,
  c_slice: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> a: array<ElemA>;
@group(0) @binding(2) var<storage, read> b: array<ElemB>;
@group(0) @binding(3) var<storage, read_write> c: array<ElemC>;

fn load_a(at: u32) -> f32 {
  return widen_a(a[at / WIDTH_A])[at % WIDTH_A];
}

fn load_b(at: u32) -> f32 {
  return widen_b(b[at / WIDTH_B])[at % WIDTH_B];
}

@compute @workgroup_size(THREADS_N, THREADS_M)
fn gemm_naive(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let col = id.x;
  if (row >= tile.m || col >= tile.n) {
    return;
  }
  let product = id.z / tile.slices;
  let slice = id.z % tile.slices;
  let first = slice * tile.k_slice;
  let end = min(tile.k, first + tile.k_slice);
  // Where the row of A and the column of B begin, and how far their elements are apart.
  let a_step = select(1u, tile.a_stride, TRANSPOSE_A);
  let b_step = select(tile.b_stride, 1u, TRANSPOSE_B);
  var a_at = tile.a_base + product * tile.a_batch + first * a_step;
  var b_at = tile.b_base + product * tile.b_batch + first * b_step;
  a_at += select(row * tile.a_stride, row, TRANSPOSE_A);
  b_at += select(col, col * tile.b_stride, TRANSPOSE_B);
  let c_start = tile.c_base + product * tile.c_batch + slice * tile.c_slice;
  let c_at = c_start + row * tile.c_stride + col;

  var sum = 0.0;
  if (ACCUMULATE) {
    sum = vec4f(c[c_at]).x;
  }
  for (var i = first; i < end; i++) {
    sum = fma(load_a(a_at), load_b(b_at), sum);
    a_at += a_step;
    b_at += b_step;
  }
  c[c_at] = narrow_c(vec4f(sum));
}
