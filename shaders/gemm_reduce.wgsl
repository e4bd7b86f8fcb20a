// C = Σ_s X_s or C += Σ_s X_s, f32: the slices of a product whose inner dimension was cut, added up in
// one fixed order, so that the same inputs give the same bits. One invocation makes one element.
//
// Host contract (src/kernels/gemm/gemm-reduce.ts, gemm-plan.ts):
//   WORKGROUP       invocations of a workgroup, along n
//   dispatch        (ceil(n / WORKGROUP), m, products)
//   x               slice s of product p begins at element x_base + p·x_batch + s·x_slice, rows
//                   x_stride apart
//   c               product p begins at element c_base + p·c_batch, rows c_stride apart
//   shared memory   none
//   edges           invocations outside C do nothing
//   rounding        slices - 1 additions an element, one more where accumulate ≠ 0

override WORKGROUP: u32 = 64u;

struct Tile {
  n: u32,
  slices: u32,
  accumulate: u32,
  x_base: u32,
  x_stride: u32,
  x_slice: u32,
  x_batch: u32,
  c_base: u32,
  c_stride: u32,
  c_batch: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn gemm_reduce(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= tile.n) {
    return;
  }
  var x_at = tile.x_base + id.z * tile.x_batch + id.y * tile.x_stride + id.x;
  let c_at = tile.c_base + id.z * tile.c_batch + id.y * tile.c_stride + id.x;
  var sum = x[x_at];
  for (var s = 1u; s < tile.slices; s++) {
    x_at += tile.x_slice;
    sum += x[x_at];
  }
  if (tile.accumulate != 0u) {
    sum += c[c_at];
  }
  c[c_at] = sum;
}
