enable subgroups; const ROWS = 32u; alias Sum = f32; const WIDTH = 1u; fn narrow(values: vec4f) -> Sum { return values.x; } // the host replaces this line

// The last few columns of C = A·B or C += A·B, where 32 of them, as gemm_quad.wgsl makes, would be mostly
// waste: one subgroup of four lanes makes ROWS × 4·WIDTH elements of C, WIDTH columns a lane.
//
// Host contract (src/kernels/gemm/gemm-quad.ts, gemm-plan.ts): that of gemm_quad.wgsl, but for
//   Sum             a word of B and of the sums: WIDTH elements, f32 or vec4f, which narrow gives of four
//   dispatch        (1, ceil(m / ROWS), products·slices): n is at most 4·WIDTH
//   c               element by element
//   rounding        the same sums in the same order

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
@group(0) @binding(2) var<storage, read> b: array<Sum>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

// Eight rows of B at this lane's columns.
struct Block {
  b0: Sum,
  b1: Sum,
  b2: Sum,
  b3: Sum,
  b4: Sum,
  b5: Sum,
  b6: Sum,
  b7: Sum,
}

// sum + eight columns x, y of a row of A times eight rows of B, in order of k.
fn dot8(x: vec4f, y: vec4f, k: Block, sum: Sum) -> Sum {
  let left = fma(Sum(x.y), k.b1, fma(Sum(x.x), k.b0, sum));
  let half = fma(Sum(x.w), k.b3, fma(Sum(x.z), k.b2, left));
  let right = fma(Sum(y.y), k.b5, fma(Sum(y.x), k.b4, half));
  return fma(Sum(y.w), k.b7, fma(Sum(y.z), k.b6, right));
}

// Row `row` of C at this lane's columns, as the sums begin: 0, or what C holds.
fn begin(start: u32, row: u32, col: u32) -> Sum {
  if (!ACCUMULATE || row >= tile.m || col >= tile.n) {
    return Sum();
  }
  let first = start + row * tile.c_stride;
  let last = first + tile.n - 1u;
  let at = first + col;
  let values = vec4f(
    c[at],
    c[min(at + 1u, last)],
    c[min(at + 2u, last)],
    c[min(at + 3u, last)],
  );
  return narrow(values);
}

fn store(start: u32, row: u32, col: u32, sum: Sum) {
  if (row >= tile.m || col >= tile.n) {
    return;
  }
  let values = vec4f(sum);
  let at = start + row * tile.c_stride + col;
  c[at] = values.x;
  if (WIDTH > 1u && col + 1u < tile.n) {
    c[at + 1u] = values.y;
  }
  if (WIDTH > 2u && col + 2u < tile.n) {
    c[at + 2u] = values.z;
  }
  if (WIDTH > 3u && col + 3u < tile.n) {
    c[at + 3u] = values.w;
  }
}

@compute @workgroup_size(4)
fn gemm_quad_strip(
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
  let col = lane * WIDTH;
  let last = tile.m - 1u;
  let held0 = (a_start + min(row + lane, last) * tile.a_stride) / 8u;
  let held1 = (a_start + min(row + 4u + lane, last) * tile.a_stride) / 8u;
  let held2 = (a_start + min(row + 8u + lane, last) * tile.a_stride) / 8u;
  let held3 = (a_start + min(row + 12u + lane, last) * tile.a_stride) / 8u;
  let held4 = (a_start + min(row + 16u + lane, last) * tile.a_stride) / 8u;
  let held5 = (a_start + min(row + 20u + lane, last) * tile.a_stride) / 8u;
  let held6 = (a_start + min(row + 24u + lane, last) * tile.a_stride) / 8u;
  let held7 = (a_start + min(row + 28u + lane, last) * tile.a_stride) / 8u;
  let step = tile.b_stride / WIDTH;
  var at = (b_start + first * tile.b_stride + min(col, (tile.n - 1u) / WIDTH * WIDTH)) / WIDTH;

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
  var c16 = Sum();
  var c17 = Sum();
  var c18 = Sum();
  var c19 = Sum();
  var c20 = Sum();
  var c21 = Sum();
  var c22 = Sum();
  var c23 = Sum();
  var c24 = Sum();
  var c25 = Sum();
  var c26 = Sum();
  var c27 = Sum();
  var c28 = Sum();
  var c29 = Sum();
  var c30 = Sum();
  var c31 = Sum();
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
