// y[g, j] = Σ_t x[g, t, j], f32: adds up partial sums, a run of them an invocation, in their order. The last
// step of the reductions: norms (width 1, one group a block) and projections (width: vectors at once).
//
// Host contract (src/kernels/reductions/reduction-sums.ts):
//   WORKGROUP       invocations of a workgroup
//   dispatch        (ceil(groups · runs · width / WORKGROUP), 1, 1)
//   x               from x_at on, groups × count × width, row-major; count ≥ 1
//   y               from y_at on, groups × runs × width: run s adds up partials s·fan … of its group, up to
//                   `fan` of them; runs = ceil(count / fan)
//   shared memory   none
//   edges           invocations past the last sum do nothing
//   rounding        |ŷ - y| ≤ γ_{fan-1} Σ|x|

override WORKGROUP: u32 = 64u;

struct Sums {
  groups: u32,
  count: u32,
  width: u32,
  fan: u32,
  runs: u32,
  x_at: u32,
  y_at: u32,
}

@group(0) @binding(0) var<uniform> sums: Sums;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn norm_sum(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x;
  if (index >= sums.groups * sums.runs * sums.width) {
    return;
  }
  let column = index % sums.width;
  let run = (index / sums.width) % sums.runs;
  let group = index / (sums.width * sums.runs);
  let first = run * sums.fan;
  let end = min(first + sums.fan, sums.count);
  let base = sums.x_at + group * sums.count * sums.width + column;
  var sum = x[base + first * sums.width];
  for (var t = first + 1u; t < end; t++) {
    sum += x[base + t * sums.width];
  }
  y[sums.y_at + index] = sum;
}
