enable subgroups; const ROWS = 32u; alias ElemC = vec4f; const WIDTH_C = 4u; fn narrow_c(values: vec4f) -> ElemC { return values; } // the host replaces this line

// C = A·B or C += A·B, row-major, f32, for subgroups of four lanes, which are quads. One subgroup makes
// ROWS × 32 elements of C, eight columns a lane, from eight columns of A and eight rows of B at a time;
// each lane holds every fourth row of A, and a quad broadcast hands its elements to all.
//
// Written for SwiftShader, whose compiler keeps hardly anything in registers and whose loads go lane by
// lane, each with a division where an index is checked. So whole octets are loaded, with one check
// each; sums are written out element by element, which copies least; and a quad broadcast is one
// shuffle where a subgroup broadcast is eight instructions.
//
// Host contract (src/kernels/gemm/gemm-quad.ts, gemm-plan.ts):
//   ROWS            16 or 32
//   ElemC           a word of C: WIDTH_C elements, 4 or 1
//   ACCUMULATE      C += A·B
//   dispatch        (ceil(n / 32), ceil(m / ROWS), products·slices), workgroups of one subgroup
//   a, b, c         windows of the operands' buffers; element (i, j) of an operand is number
//                   base + i·stride + j, and that of the next product of a batch is batch elements further
//                   on. Of A and B all of these are multiples of 8, and zeros follow k up to the next one:
//                   what does not lie so is copied before. Where WIDTH_C is 4, those of C and n are
//                   multiples of 4
//   slices          parts of k: z = product·slices + slice. Slice s sums k_slice·s … of k into a
//                   matrix of its own, c_slice elements after the one before; k_slice is a multiple of 8
//   shared memory   none
//   edges           rows and columns outside are read from the last inside and not stored
//   rounding        one fma after the other in order of k, from 0, or from C where ACCUMULATE:
//                   |Ĉ - A·B| ≤ γ_k |A||B|, accumulating |Ĉ - (C + A·B)| ≤ γ_{k+1} (|C| + |A||B|),
//                   γ_n = n·u / (1 - n·u), u = 2^-24, fused or not, as long as nothing underflows;
//                   k is the length of a slice, without the zeros

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
@group(0) @binding(1) var<storage, read> a: array<mat2x4f>;
@group(0) @binding(2) var<storage, read> b: array<mat2x4f>;
@group(0) @binding(3) var<storage, read_write> c: array<ElemC>;

// Eight rows of B at eight columns.
struct Block {
  b0: mat2x4f,
  b1: mat2x4f,
  b2: mat2x4f,
  b3: mat2x4f,
  b4: mat2x4f,
  b5: mat2x4f,
  b6: mat2x4f,
  b7: mat2x4f,
}

fn dot4(x: vec4f, b0: vec4f, b1: vec4f, b2: vec4f, b3: vec4f, sum: vec4f) -> vec4f {
  return vec4f(
    fma(x.w, b3.x, fma(x.z, b2.x, fma(x.y, b1.x, fma(x.x, b0.x, sum.x)))),
    fma(x.w, b3.y, fma(x.z, b2.y, fma(x.y, b1.y, fma(x.x, b0.y, sum.y)))),
    fma(x.w, b3.z, fma(x.z, b2.z, fma(x.y, b1.z, fma(x.x, b0.z, sum.z)))),
    fma(x.w, b3.w, fma(x.z, b2.w, fma(x.y, b1.w, fma(x.x, b0.w, sum.w)))),
  );
}

// sum + eight columns x, y of a row of A times eight rows of B, in order of k.
fn dot8(x: vec4f, y: vec4f, k: Block, sum: mat2x4f) -> mat2x4f {
  let left = dot4(x, k.b0[0], k.b1[0], k.b2[0], k.b3[0], sum[0]);
  let right = dot4(x, k.b0[1], k.b1[1], k.b2[1], k.b3[1], sum[1]);
  return mat2x4f(
    dot4(y, k.b4[0], k.b5[0], k.b6[0], k.b7[0], left),
    dot4(y, k.b4[1], k.b5[1], k.b6[1], k.b7[1], right),
  );
}

fn load_c(at: u32) -> f32 {
  return vec4f(c[at]).x;
}

// Row `row` of C, columns col … col+3.
fn load_quad(start: u32, row: u32, col: u32) -> vec4f {
  if (row >= tile.m || col >= tile.n) {
    return vec4f();
  }
  let first = start + row * tile.c_stride;
  let at = first + col;
  if (WIDTH_C == 4u) {
    return vec4f(c[at / 4u]);
  }
  let last = first + tile.n - 1u;
  return vec4f(
    load_c(at),
    load_c(min(at + 1u, last)),
    load_c(min(at + 2u, last)),
    load_c(min(at + 3u, last)),
  );
}

// Row `row` of C, columns col … col+7, as the sums begin: 0, or what C holds.
fn begin(start: u32, row: u32, col: u32) -> mat2x4f {
  if (!ACCUMULATE) {
    return mat2x4f();
  }
  return mat2x4f(load_quad(start, row, col), load_quad(start, row, col + 4u));
}

fn store_quad(start: u32, row: u32, col: u32, values: vec4f) {
  if (row >= tile.m || col >= tile.n) {
    return;
  }
  let at = start + row * tile.c_stride + col;
  if (WIDTH_C == 4u) {
    c[at / 4u] = narrow_c(values);
    return;
  }
  c[at] = narrow_c(values.xxxx);
  if (col + 1u < tile.n) {
    c[at + 1u] = narrow_c(values.yyyy);
  }
  if (col + 2u < tile.n) {
    c[at + 2u] = narrow_c(values.zzzz);
  }
  if (col + 3u < tile.n) {
    c[at + 3u] = narrow_c(values.wwww);
  }
}

fn store(start: u32, row: u32, col: u32, values: mat2x4f) {
  store_quad(start, row, col, values[0]);
  store_quad(start, row, col + 4u, values[1]);
}

@compute @workgroup_size(4)
fn gemm_quad(
  @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let product = group.z / tile.slices;
  let slice = group.z % tile.slices;
  let a_start = tile.a_base + product * tile.a_batch;
  let b_start = tile.b_base + product * tile.b_batch;
  let c_start = tile.c_base + product * tile.c_batch + slice * tile.c_slice;
  let first = slice * tile.k_slice;
  let end = (min(tile.k, first + tile.k_slice) + 7u) / 8u;
  let row = group.y * ROWS;
  let col = group.x * 32u + lane * 8u;
  let last = tile.m - 1u;
  let held0 = (a_start + min(row + lane, last) * tile.a_stride) / 8u;
  let held1 = (a_start + min(row + 4u + lane, last) * tile.a_stride) / 8u;
  let held2 = (a_start + min(row + 8u + lane, last) * tile.a_stride) / 8u;
  let held3 = (a_start + min(row + 12u + lane, last) * tile.a_stride) / 8u;
  let held4 = (a_start + min(row + 16u + lane, last) * tile.a_stride) / 8u;
  let held5 = (a_start + min(row + 20u + lane, last) * tile.a_stride) / 8u;
  let held6 = (a_start + min(row + 24u + lane, last) * tile.a_stride) / 8u;
  let held7 = (a_start + min(row + 28u + lane, last) * tile.a_stride) / 8u;
  let step = tile.b_stride / 8u;
  var at = (b_start + first * tile.b_stride + min(col, (tile.n - 1u) & ~7u)) / 8u;

  var c0 = begin(c_start, row, col);
  var c1 = begin(c_start, row + 1u, col);
  var c2 = begin(c_start, row + 2u, col);
  var c3 = begin(c_start, row + 3u, col);
  var c4 = begin(c_start, row + 4u, col);
  var c5 = begin(c_start, row + 5u, col);
  var c6 = begin(c_start, row + 6u, col);
  var c7 = begin(c_start, row + 7u, col);
  var c8 = begin(c_start, row + 8u, col);
  var c9 = begin(c_start, row + 9u, col);
  var c10 = begin(c_start, row + 10u, col);
  var c11 = begin(c_start, row + 11u, col);
  var c12 = begin(c_start, row + 12u, col);
  var c13 = begin(c_start, row + 13u, col);
  var c14 = begin(c_start, row + 14u, col);
  var c15 = begin(c_start, row + 15u, col);
  var c16 = mat2x4f();
  var c17 = mat2x4f();
  var c18 = mat2x4f();
  var c19 = mat2x4f();
  var c20 = mat2x4f();
  var c21 = mat2x4f();
  var c22 = mat2x4f();
  var c23 = mat2x4f();
  var c24 = mat2x4f();
  var c25 = mat2x4f();
  var c26 = mat2x4f();
  var c27 = mat2x4f();
  var c28 = mat2x4f();
  var c29 = mat2x4f();
  var c30 = mat2x4f();
  var c31 = mat2x4f();
  if (ROWS > 16u) {
    c16 = begin(c_start, row + 16u, col);
    c17 = begin(c_start, row + 17u, col);
    c18 = begin(c_start, row + 18u, col);
    c19 = begin(c_start, row + 19u, col);
    c20 = begin(c_start, row + 20u, col);
    c21 = begin(c_start, row + 21u, col);
    c22 = begin(c_start, row + 22u, col);
    c23 = begin(c_start, row + 23u, col);
    c24 = begin(c_start, row + 24u, col);
    c25 = begin(c_start, row + 25u, col);
    c26 = begin(c_start, row + 26u, col);
    c27 = begin(c_start, row + 27u, col);
    c28 = begin(c_start, row + 28u, col);
    c29 = begin(c_start, row + 29u, col);
    c30 = begin(c_start, row + 30u, col);
    c31 = begin(c_start, row + 31u, col);
  }

  for (var i = first / 8u; i < end; i++) {
    let a0 = a[held0 + i];
    let a1 = a[held1 + i];
    let a2 = a[held2 + i];
    let a3 = a[held3 + i];
    var a4 = mat2x4f();
    var a5 = mat2x4f();
    var a6 = mat2x4f();
    var a7 = mat2x4f();
    if (ROWS > 16u) {
      a4 = a[held4 + i];
      a5 = a[held5 + i];
      a6 = a[held6 + i];
      a7 = a[held7 + i];
    }
    let k = Block(
      b[at],
      b[at + step],
      b[at + 2u * step],
      b[at + 3u * step],
      b[at + 4u * step],
      b[at + 5u * step],
      b[at + 6u * step],
      b[at + 7u * step],
    );
    at += 8u * step;
    c0 = dot8(quadBroadcast(a0[0], 0u), quadBroadcast(a0[1], 0u), k, c0);
    c1 = dot8(quadBroadcast(a0[0], 1u), quadBroadcast(a0[1], 1u), k, c1);
    c2 = dot8(quadBroadcast(a0[0], 2u), quadBroadcast(a0[1], 2u), k, c2);
    c3 = dot8(quadBroadcast(a0[0], 3u), quadBroadcast(a0[1], 3u), k, c3);
    c4 = dot8(quadBroadcast(a1[0], 0u), quadBroadcast(a1[1], 0u), k, c4);
    c5 = dot8(quadBroadcast(a1[0], 1u), quadBroadcast(a1[1], 1u), k, c5);
    c6 = dot8(quadBroadcast(a1[0], 2u), quadBroadcast(a1[1], 2u), k, c6);
    c7 = dot8(quadBroadcast(a1[0], 3u), quadBroadcast(a1[1], 3u), k, c7);
    c8 = dot8(quadBroadcast(a2[0], 0u), quadBroadcast(a2[1], 0u), k, c8);
    c9 = dot8(quadBroadcast(a2[0], 1u), quadBroadcast(a2[1], 1u), k, c9);
    c10 = dot8(quadBroadcast(a2[0], 2u), quadBroadcast(a2[1], 2u), k, c10);
    c11 = dot8(quadBroadcast(a2[0], 3u), quadBroadcast(a2[1], 3u), k, c11);
    c12 = dot8(quadBroadcast(a3[0], 0u), quadBroadcast(a3[1], 0u), k, c12);
    c13 = dot8(quadBroadcast(a3[0], 1u), quadBroadcast(a3[1], 1u), k, c13);
    c14 = dot8(quadBroadcast(a3[0], 2u), quadBroadcast(a3[1], 2u), k, c14);
    c15 = dot8(quadBroadcast(a3[0], 3u), quadBroadcast(a3[1], 3u), k, c15);
    if (ROWS > 16u) {
      c16 = dot8(quadBroadcast(a4[0], 0u), quadBroadcast(a4[1], 0u), k, c16);
      c17 = dot8(quadBroadcast(a4[0], 1u), quadBroadcast(a4[1], 1u), k, c17);
      c18 = dot8(quadBroadcast(a4[0], 2u), quadBroadcast(a4[1], 2u), k, c18);
      c19 = dot8(quadBroadcast(a4[0], 3u), quadBroadcast(a4[1], 3u), k, c19);
      c20 = dot8(quadBroadcast(a5[0], 0u), quadBroadcast(a5[1], 0u), k, c20);
      c21 = dot8(quadBroadcast(a5[0], 1u), quadBroadcast(a5[1], 1u), k, c21);
      c22 = dot8(quadBroadcast(a5[0], 2u), quadBroadcast(a5[1], 2u), k, c22);
      c23 = dot8(quadBroadcast(a5[0], 3u), quadBroadcast(a5[1], 3u), k, c23);
      c24 = dot8(quadBroadcast(a6[0], 0u), quadBroadcast(a6[1], 0u), k, c24);
      c25 = dot8(quadBroadcast(a6[0], 1u), quadBroadcast(a6[1], 1u), k, c25);
      c26 = dot8(quadBroadcast(a6[0], 2u), quadBroadcast(a6[1], 2u), k, c26);
      c27 = dot8(quadBroadcast(a6[0], 3u), quadBroadcast(a6[1], 3u), k, c27);
      c28 = dot8(quadBroadcast(a7[0], 0u), quadBroadcast(a7[1], 0u), k, c28);
      c29 = dot8(quadBroadcast(a7[0], 1u), quadBroadcast(a7[1], 1u), k, c29);
      c30 = dot8(quadBroadcast(a7[0], 2u), quadBroadcast(a7[1], 2u), k, c30);
      c31 = dot8(quadBroadcast(a7[0], 3u), quadBroadcast(a7[1], 3u), k, c31);
    }
  }

  store(c_start, row, col, c0);
  store(c_start, row + 1u, col, c1);
  store(c_start, row + 2u, col, c2);
  store(c_start, row + 3u, col, c3);
  store(c_start, row + 4u, col, c4);
  store(c_start, row + 5u, col, c5);
  store(c_start, row + 6u, col, c6);
  store(c_start, row + 7u, col, c7);
  store(c_start, row + 8u, col, c8);
  store(c_start, row + 9u, col, c9);
  store(c_start, row + 10u, col, c10);
  store(c_start, row + 11u, col, c11);
  store(c_start, row + 12u, col, c12);
  store(c_start, row + 13u, col, c13);
  store(c_start, row + 14u, col, c14);
  store(c_start, row + 15u, col, c15);
  if (ROWS > 16u) {
    store(c_start, row + 16u, col, c16);
    store(c_start, row + 17u, col, c17);
    store(c_start, row + 18u, col, c18);
    store(c_start, row + 19u, col, c19);
    store(c_start, row + 20u, col, c20);
    store(c_start, row + 21u, col, c21);
    store(c_start, row + 22u, col, c22);
    store(c_start, row + 23u, col, c23);
    store(c_start, row + 24u, col, c24);
    store(c_start, row + 25u, col, c25);
    store(c_start, row + 26u, col, c26);
    store(c_start, row + 27u, col, c27);
    store(c_start, row + 28u, col, c28);
    store(c_start, row + 29u, col, c29);
    store(c_start, row + 30u, col, c30);
    store(c_start, row + 31u, col, c31);
  }
}
