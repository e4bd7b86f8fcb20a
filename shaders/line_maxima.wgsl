// The largest |element| of every row, or of every column, of a float32 matrix, as bits: for what is
// not negative they are ordered like the numbers, ±Inf above all numbers and NaN above ±Inf. Of integers
// the order of taking the maximum does not matter, so the result is the same every time.
//
// Host contract (src/kernels/halves/halves-split.ts):
//   BY_ROW          a maximum for every row; otherwise one for every column
//   dispatch        BY_ROW: (ceil(cols / 4096), ceil(rows / 4), 1),
//                   otherwise (ceil(cols / 64), ceil(rows / 256), 1)
//   x               element (i, j) is number base + i·stride + j
//   maxima          line 0 of the part has number `line`. Only ever raised: the host sets them to 0
//   shared memory   256 bytes
//   edges           invocations outside do nothing
//   rounding        none

override BY_ROW: bool = true;

struct Tile {
  rows: u32,
  cols: u32,
  base: u32,
  stride: u32,
  line: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> maxima: array<atomic<u32>>;

// Of the lines of this workgroup: 4 rows or 64 columns.
var<workgroup> largest: array<atomic<u32>, 64>;

@compute @workgroup_size(64, 4)
fn line_maxima(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  // Lines are counted across, elements of a line along. Neighbours read neighbours either way.
  let nth = select(local.x, local.y, BY_ROW);
  let line = select(group.x * 64u, group.y * 4u, BY_ROW) + nth;
  let along = select(local.y, local.x, BY_ROW);
  let first = select(group.y * 256u, group.x * 4096u, BY_ROW) + along;
  let hop = select(4u, 64u, BY_ROW);
  let lines = select(tile.cols, tile.rows, BY_ROW);
  let end = min(select(tile.rows, tile.cols, BY_ROW), first - along + select(256u, 4096u, BY_ROW));

  var most = 0u;
  if (line < lines) {
    for (var i = first; i < end; i += hop) {
      let at = tile.base + select(i * tile.stride + line, line * tile.stride + i, BY_ROW);
      most = max(most, x[at] & 0x7fffffffu);
    }
  }
  atomicMax(&largest[nth], most);
  workgroupBarrier();
  if (along == 0u && line < lines) {
    atomicMax(&maxima[tile.line + line], atomicLoad(&largest[nth]));
  }
}
