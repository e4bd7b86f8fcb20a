// Y = X, float32 rounded to halves (IEEE binary16), row-major. One invocation makes one word of two.
//
// Host contract (src/kernels/halves/halves-convert.ts):
//   WORKGROUP       invocations of a workgroup
//   dispatch        (x, y, 1) with x·y·WORKGROUP ≥ rows·words: words are taken in order of rows
//   x               element (i, j) is number x_base + i·x_stride + j
//   y               word w of row i, elements 2w and 2w+1, is number y_base + i·y_stride + w
//   shared memory   none
//   edges           the second half of the last word of an odd row is 0
//   rounding        to the nearest, ties to even, in integers: the same bits on every device. From
//                   65520 on ±Inf; below 2^-14 multiples of 2^-24; NaN stays NaN

override WORKGROUP: u32 = 64u;

struct Tile {
  rows: u32,
  cols: u32,
  words: u32,
  x_base: u32,
  x_stride: u32,
  y_base: u32,
  y_stride: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

// The bits of the half nearest to a float32, both as bits.
fn half_of(bits: u32) -> u32 {
  let sign = (bits >> 16u) & 0x8000u;
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) {
    return sign | 0x7e00u;
  }
  if (size >= 0x477ff000u) {
    return sign | 0x7c00u;
  }
  if (size >= 0x38800000u) {
    // The exponent moves by 112; of the fraction 13 bits go.
    return sign | rounded(size - 0x38000000u, 13u);
  }
  // In units of 2^-24. What is shifted by more than 24 is below half a unit.
  let significand = (size & 0x7fffffu) | 0x800000u;
  let shift = 126u - (size >> 23u);
  if (shift > 24u) {
    return sign;
  }
  return sign | rounded(significand, shift);
}

// value / 2^shift to the nearest integer, ties to even; 1 ≤ shift ≤ 24.
fn rounded(value: u32, shift: u32) -> u32 {
  let whole = value >> shift;
  let rest = value & ((1u << shift) - 1u);
  let middle = 1u << (shift - 1u);
  return whole + select(0u, 1u, rest > middle || (rest == middle && (whole & 1u) == 1u));
}

@compute @workgroup_size(WORKGROUP)
fn halves(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let word = (group.y * groups.x + group.x) * WORKGROUP + index;
  let row = word / tile.words;
  if (row >= tile.rows) {
    return;
  }
  let within = word % tile.words;
  let at = tile.x_base + row * tile.x_stride + 2u * within;
  var pair = half_of(x[at]);
  if (2u * within + 1u < tile.cols) {
    pair |= half_of(x[at + 1u]) << 16u;
  }
  y[tile.y_base + row * tile.y_stride + within] = pair;
}
