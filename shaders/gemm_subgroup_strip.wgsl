enable subgroups; const LANES = 8u; const ROWS = 16u; const QUADS = 1u; alias ElemA = vec4f; const WIDTH_A = 4u; fn widen_a(word: ElemA) -> vec4f { return word; } alias ElemB = vec4f; const WIDTH_B = 4u; fn widen_b(word: ElemB) -> vec4f { return word; } alias ElemC = f32; const WIDTH_C = 1u; fn narrow_c(values: vec4f) -> ElemC { return values.x; } // the host replaces this line

// The last columns of C = A·B or C += A·B, of which there are no more than a subgroup has lanes: where
// gemm_subgroup.wgsl would make 4·LANES at a time, each lane makes one.
//
// Host contract (src/kernels/gemm/gemm-subgroup.ts, gemm-plan.ts): that of gemm_subgroup.wgsl, but for
//   ElemC           f32: C is written element by element
//   dispatch        (1, ceil(m / ROWS), products·slices): n is at most LANES
//   rounding        the same sums in the same order

override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;
override ACCUMULATE: bool = false;
override WHOLE_QUADS_OF_K: bool = false;

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

// Row `row` of A, columns i … i+3; 0 from column `end` on. An aligned row ends at a multiple of four,
// and so do slices, so that nothing needs to be looked at.
fn load_a4(start: u32, row: u32, i: u32, end: u32) -> vec4f {
  if (WIDTH_A == 4u && !TRANSPOSE_A) {
    return widen_a(a[(start + row * tile.a_stride + i) / 4u]);
  }
  let step = select(1u, tile.a_stride, TRANSPOSE_A);
  let at = start + select(row * tile.a_stride + i, i * tile.a_stride + row, TRANSPOSE_A);
  let last = end - 1u - i;
  return vec4f(
    load_a(at),
    select(0.0, load_a(at + min(1u, last) * step), 1u <= last),
    select(0.0, load_a(at + min(2u, last) * step), 2u <= last),
    select(0.0, load_a(at + min(3u, last) * step), 3u <= last),
  );
}

// Rows i … i+3 of column `col` of B; 0 from row `end` on.
fn load_down(start: u32, i: u32, col: u32, end: u32) -> vec4f {
  let step = select(tile.b_stride, 1u, TRANSPOSE_B);
  let at = start + select(i * tile.b_stride + col, col * tile.b_stride + i, TRANSPOSE_B);
  if (WHOLE_QUADS_OF_K) {
    return vec4f(load_b(at), load_b(at + step), load_b(at + 2u * step), load_b(at + 3u * step));
  }
  let last = end - 1u - i;
  return vec4f(
    load_b(at),
    select(0.0, load_b(at + min(1u, last) * step), 1u <= last),
    select(0.0, load_b(at + min(2u, last) * step), 2u <= last),
    select(0.0, load_b(at + min(3u, last) * step), 3u <= last),
  );
}

// An element of C as its sum begins: 0, or what C holds.
fn begin(start: u32, row: u32, col: u32) -> f32 {
  if (!ACCUMULATE || row >= tile.m || col >= tile.n) {
    return 0.0;
  }
  return vec4f(c[start + row * tile.c_stride + col]).x;
}

fn store(start: u32, row: u32, col: u32, sum: f32) {
  if (row < tile.m && col < tile.n) {
    c[start + row * tile.c_stride + col] = narrow_c(vec4f(sum));
  }
}

// sum + four columns of A times four rows of B, in order of k.
fn dot4(row: vec4f, column: vec4f, sum: f32) -> f32 {
  let first = fma(row.y, column.y, fma(row.x, column.x, sum));
  return fma(row.w, column.w, fma(row.z, column.z, first));
}

// The quad that belongs to `index`, a constant wherever this is called.
fn held(a0: vec4f, a1: vec4f, a2: vec4f, a3: vec4f, index: u32) -> vec4f {
  if (index == 0u) {
    return a0;
  }
  if (index == 1u) {
    return a1;
  }
  return select(a3, a2, index == 2u);
}

@compute @workgroup_size(LANES)
fn gemm_subgroup_strip(
  @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let product = group.z / tile.slices;
  let slice = group.z % tile.slices;
  let a_start = tile.a_base + product * tile.a_batch;
  let b_start = tile.b_base + product * tile.b_batch;
  let c_start = tile.c_base + product * tile.c_batch + slice * tile.c_slice;
  let end = min(tile.k, (slice + 1u) * tile.k_slice);
  let row = group.y * ROWS;
  let col = lane;
  let column = min(col, tile.n - 1u);
  // Rows of A that this lane holds.
  let last = tile.m - 1u;
  let held0 = min(row + lane, last);
  let held1 = min(row + LANES + lane, last);
  let held2 = min(row + 2u * LANES + lane, last);
  let held3 = min(row + 3u * LANES + lane, last);
  var s0 = begin(c_start, row, col);
  var s1 = begin(c_start, row + 1u, col);
  var s2 = begin(c_start, row + 2u, col);
  var s3 = begin(c_start, row + 3u, col);
  var s4 = begin(c_start, row + 4u, col);
  var s5 = begin(c_start, row + 5u, col);
  var s6 = begin(c_start, row + 6u, col);
  var s7 = begin(c_start, row + 7u, col);
  var s8 = begin(c_start, row + 8u, col);
  var s9 = begin(c_start, row + 9u, col);
  var s10 = begin(c_start, row + 10u, col);
  var s11 = begin(c_start, row + 11u, col);
  var s12 = begin(c_start, row + 12u, col);
  var s13 = begin(c_start, row + 13u, col);
  var s14 = begin(c_start, row + 14u, col);
  var s15 = begin(c_start, row + 15u, col);

  for (var i = slice * tile.k_slice; i < end; i += 4u) {
    let a0 = load_a4(a_start, held0, i, end);
    var a1 = vec4f();
    var a2 = vec4f();
    var a3 = vec4f();
    if (ROWS > LANES) {
      a1 = load_a4(a_start, held1, i, end);
    }
    if (ROWS > 2u * LANES) {
      a2 = load_a4(a_start, held2, i, end);
      a3 = load_a4(a_start, held3, i, end);
    }
    let quad = load_down(b_start, i, column, end);
    s0 = dot4(subgroupBroadcast(a0, 0u % LANES), quad, s0);
    s1 = dot4(subgroupBroadcast(a0, 1u % LANES), quad, s1);
    s2 = dot4(subgroupBroadcast(a0, 2u % LANES), quad, s2);
    s3 = dot4(subgroupBroadcast(a0, 3u % LANES), quad, s3);
    s4 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 4u / LANES), 4u % LANES), quad, s4);
    s5 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 5u / LANES), 5u % LANES), quad, s5);
    s6 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 6u / LANES), 6u % LANES), quad, s6);
    s7 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 7u / LANES), 7u % LANES), quad, s7);
    if (ROWS > 8u) {
      s8 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 8u / LANES), 8u % LANES), quad, s8);
      s9 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 9u / LANES), 9u % LANES), quad, s9);
      s10 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 10u / LANES), 10u % LANES), quad, s10);
      s11 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 11u / LANES), 11u % LANES), quad, s11);
      s12 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 12u / LANES), 12u % LANES), quad, s12);
      s13 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 13u / LANES), 13u % LANES), quad, s13);
      s14 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 14u / LANES), 14u % LANES), quad, s14);
      s15 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 15u / LANES), 15u % LANES), quad, s15);
    }
  }

  store(c_start, row, col, s0);
  store(c_start, row + 1u, col, s1);
  store(c_start, row + 2u, col, s2);
  store(c_start, row + 3u, col, s3);
  store(c_start, row + 4u, col, s4);
  store(c_start, row + 5u, col, s5);
  store(c_start, row + 6u, col, s6);
  store(c_start, row + 7u, col, s7);
  if (ROWS > 8u) {
    store(c_start, row + 8u, col, s8);
    store(c_start, row + 9u, col, s9);
    store(c_start, row + 10u, col, s10);
    store(c_start, row + 11u, col, s11);
    store(c_start, row + 12u, col, s12);
    store(c_start, row + 13u, col, s13);
    store(c_start, row + 14u, col, s14);
    store(c_start, row + 15u, col, s15);
  }
}
