const OUTPUTS = 8u; alias Elem = vec4f; // the host replaces this line: neither can be an override

// y_r = Σ_c w[r, c] · x_c, f32: a coefficient table applied to blocks. An invocation owns one Elem of
// every block: it reads each input once and keeps OUTPUTS sums in registers, so a table of up to
// OUTPUTS rows costs one reading of all inputs. Larger tables take several passes.
//
// Host contract (src/kernels/combine-plan.ts, combine.ts):
//   OUTPUTS         1..32, sums of an invocation; those from tile.outputs on are not stored
//   Elem            vec4f where strides and offsets are multiples of four elements, f32 otherwise
//   WORKGROUP       invocations of a workgroup
//   dispatch        (ceil(elements / WORKGROUP), 1, 1)
//   weights         OUTPUTS coefficients for the first input, then for the next, …; from w_base
//   x, y            windows of stacked blocks: element e of block i is number base + i·stride + e,
//                   counting Elems; a stride may be anything where there is but one block
//   shared memory   none
//   edges           invocations past the block do nothing; where the block is no multiple of four,
//                   the vec4 path computes up to three elements of padding, too
//   rounding        one fma after the other in order of c, from 0, or from y where accumulate ≠ 0;
//                   weights have been rounded to f32. Over all passes |ŷ - y| ≤ γ_{c+1} Σ|w||x|,
//                   γ_n = n·u / (1 - n·u), u = 2^-24, as long as nothing underflows

override WORKGROUP: u32 = 64u;

struct Tile {
  elements: u32,
  inputs: u32,
  outputs: u32,
  accumulate: u32,
  w_base: u32,
  x_base: u32,
  x_stride: u32,
  y_base: u32,
  y_stride: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<Elem>;
@group(0) @binding(3) var<storage, read_write> y: array<Elem>;

@compute @workgroup_size(WORKGROUP)
fn combine(@builtin(global_invocation_id) id: vec3u) {
  let element = id.x;
  if (element >= tile.elements) {
    return;
  }
  var x_at = tile.x_base + element;
  let y_at = tile.y_base + element;
  var w_at = tile.w_base;

  var sums = array<Elem, OUTPUTS>();
  if (tile.accumulate != 0u) {
    for (var r = 0u; r < OUTPUTS; r++) {
      if (r < tile.outputs) {
        sums[r] = y[y_at + r * tile.y_stride];
      }
    }
  }
  for (var c = 0u; c < tile.inputs; c++) {
    let input = x[x_at];
    for (var r = 0u; r < OUTPUTS; r++) {
      sums[r] = fma(Elem(weights[w_at + r]), input, sums[r]);
    }
    x_at += tile.x_stride;
    w_at += OUTPUTS;
  }
  for (var r = 0u; r < OUTPUTS; r++) {
    if (r < tile.outputs) {
      y[y_at + r * tile.y_stride] = sums[r];
    }
  }
}
