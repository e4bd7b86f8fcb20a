// partial[i, s, j] = Σ_t X[i, s + t·sums] · r[s + t·sums, j], f32: X times a few vectors, every row in `sums`
// sums that shaders/norm_sum.wgsl adds up. Neighbours read neighbours of a row; nothing is shared, and the
// order is fixed, so that the same operands give the same bits.
//
// Host contract (src/kernels/reductions/projection-plan.ts, projection.ts):
//   VECTORS         1..4, columns of r
//   WORKGROUP       invocations of a workgroup
//   dispatch        (ceil(rows · sums / WORKGROUP), 1, 1)
//   x               element (i, j) is number x_at + i·x_row + j
//   r               row-major cols × VECTORS from r_at on
//   partials        number (i · slots + slot + s) · VECTORS + j; slots ≥ sums for a row, as X
//                   may be cut into parts of its columns, each a dispatch with another `slot`
//   shared memory   none
//   edges           invocations past the last row do nothing; sums ≤ cols
//   rounding        one fma (or a product and a sum) after the other:
//                   |p̂ - p| ≤ γ_t Σ|x||r|, t = ceil(cols / sums), absent underflow and overflow

override VECTORS: u32 = 1u;
override WORKGROUP: u32 = 64u;

struct Part {
  rows: u32,
  cols: u32,
  x_at: u32,
  x_row: u32,
  r_at: u32,
  sums: u32,
  slots: u32,
  slot: u32,
}

@group(0) @binding(0) var<uniform> part: Part;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> r: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn project(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x / part.sums;
  let start = id.x % part.sums;
  if (row >= part.rows) {
    return;
  }
  let x_row = part.x_at + row * part.x_row;
  var y = vec4f();
  for (var col = start; col < part.cols; col += part.sums) {
    let value = x[x_row + col];
    let r_at = part.r_at + col * VECTORS;
    y.x = fma(value, r[r_at], y.x);
    if (VECTORS > 1u) { y.y = fma(value, r[r_at + 1u], y.y); }
    if (VECTORS > 2u) { y.z = fma(value, r[r_at + 2u], y.z); }
    if (VECTORS > 3u) { y.w = fma(value, r[r_at + 3u], y.w); }
  }
  let y_at = (row * part.slots + part.slot + start) * VECTORS;
  partials[y_at] = y.x;
  if (VECTORS > 1u) { partials[y_at + 1u] = y.y; }
  if (VECTORS > 2u) { partials[y_at + 2u] = y.z; }
  if (VECTORS > 3u) { partials[y_at + 3u] = y.w; }
}
