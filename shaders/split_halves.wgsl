// Every element of a float32 matrix as a pair of halves, x·2^(14-e) ≈ high + low/2^11, e being the
// exponent of the largest |element| of its line (2^e ≤ largest < 2^(e+1)), a row or a column. One
// invocation makes eight pairs.
//
// Host contract (src/kernels/halves/halves-split.ts):
//   BY_ROW          lines are rows; otherwise columns
//   WORKGROUP       invocations of a workgroup
//   dispatch        (x, y, 1) with x·y·WORKGROUP ≥ rows·octets, octets = ceil(cols / 8): they are taken
//                   in order of rows
//   x               element (i, j) is number x_base + i·x_stride + j
//   maxima          made by line_maxima.wgsl; line 0 of the part has number `line`
//   y               octet o of row i is number y_base + i·y_stride + o: a word of eight high halves and a
//                   word of their low ones
//   shared memory   none
//   edges           pairs past the last column are 0; so are those of a line that is not finite
//   rounding        in integers, the same bits on every device. |x·2^(14-e) - high - low/2^11| ≤
//                   2^-23 |x·2^(14-e)| + 2^-25: both halves are rounded to the nearest, and no half is
//                   subnormal, as hardware may take such for 0. An element whose high half would be
//                   subnormal is all in its low one

override BY_ROW: bool = true;
override WORKGROUP: u32 = 64u;

struct Tile {
  rows: u32,
  cols: u32,
  octets: u32,
  x_base: u32,
  x_stride: u32,
  y_base: u32,
  y_stride: u32,
  line: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> maxima: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4u>;

// |value| as significand·2^(exponent-23), the significand having 24 bits; 0 for 0.
struct Parts {
  significand: u32,
  exponent: i32,
}

fn parts_of(size: u32) -> Parts {
  if (size >= 0x800000u) {
    return Parts((size & 0x7fffffu) | 0x800000u, i32(size >> 23u) - 127);
  }
  let shift = 23u - min(firstLeadingBit(size), 23u);
  return Parts(size << shift, -126 - i32(shift));
}

// significand·2^(exponent-last) rounded to a half, where `last` is the significand's highest bit; 0
// where that would be subnormal. Never as large as 2^15.
fn normal_half(significand: u32, last: u32, exponent: i32) -> u32 {
  if (exponent < -14 || significand == 0u) {
    return 0u;
  }
  var fraction = significand << (10u - min(last, 10u));
  if (last > 10u) {
    let shift = last - 10u;
    let rest = significand & ((1u << shift) - 1u);
    let middle = 1u << (shift - 1u);
    fraction = significand >> shift;
    fraction += select(0u, 1u, rest > middle || (rest == middle && (fraction & 1u) == 1u));
  }
  // The leading bit adds one to the exponent's field, and so does a carry.
  return (u32(exponent + 14) << 10u) + fraction;
}

fn with_sign(half: u32, sign: u32) -> u32 {
  return select(half | sign, 0u, half == 0u);
}

// The pair of one element, the high half in the lower bits.
fn pair_of(bits: u32, largest: u32) -> u32 {
  let sign = (bits >> 16u) & 0x8000u;
  let value = parts_of(bits & 0x7fffffffu);
  if (value.significand == 0u || largest >= 0x7f800000u) {
    return 0u;
  }
  let exponent = value.exponent + 14 - parts_of(largest).exponent;
  if (exponent < -14) {
    return with_sign(normal_half(value.significand, 23u, exponent + 11), sign) << 16u;
  }
  let high = normal_half(value.significand, 23u, exponent);
  // What the high half lacks, in units of 2^(exponent-23): at most 2^12 either way.
  let taken = (high - (u32(exponent + 14) << 10u)) << 13u;
  let lacking = max(value.significand, taken) - min(value.significand, taken);
  let last = min(firstLeadingBit(lacking), 23u);
  let low = normal_half(lacking, last, exponent + i32(last) - 12);
  let low_sign = select(sign, sign ^ 0x8000u, taken > value.significand);
  return with_sign(high, sign) | (with_sign(low, low_sign) << 16u);
}

@compute @workgroup_size(WORKGROUP)
fn split_halves(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let octet = (group.y * groups.x + group.x) * WORKGROUP + index;
  let row = octet / tile.octets;
  if (row >= tile.rows) {
    return;
  }
  let within = octet % tile.octets;
  let at = tile.x_base + row * tile.x_stride + 8u * within;
  var high = vec4u();
  var low = vec4u();
  for (var i = 0u; i < min(8u, tile.cols - 8u * within); i++) {
    let line = tile.line + select(8u * within + i, row, BY_ROW);
    let pair = pair_of(x[at + i], maxima[line]);
    high[i / 2u] |= (pair & 0xffffu) << (16u * (i % 2u));
    low[i / 2u] |= (pair >> 16u) << (16u * (i % 2u));
  }
  let to = 2u * (tile.y_base + row * tile.y_stride + within);
  y[to] = high;
  y[to + 1u] = low;
}
