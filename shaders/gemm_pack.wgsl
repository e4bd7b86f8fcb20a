// Y = X with rows that begin at multiples of eight elements, f32, and zeros around: a copy of an operand
// whose rows begin anywhere or that is stored transposed, for kernels that read several elements of a
// row at a time. One invocation makes eight elements of a row.
//
// Host contract (src/kernels/gemm/gemm-pack.ts):
//   WORKGROUP       invocations of a workgroup, along the columns
//   dispatch        (ceil(y_cols / (8·WORKGROUP)), y_rows, matrices)
//   x               rows × cols, element (i, j) at x_base + i·x_row + j·x_col, and that of the next matrix
//                   of a batch x_batch further on
//   y               packed, y_cols elements a row, a multiple of eight; rows and columns past X are 0
//   shared memory   none
//   edges           invocations past the columns of Y do nothing
//   rounding        none

override WORKGROUP: u32 = 64u;

struct Tile {
  rows: u32,
  cols: u32,
  x_base: u32,
  x_row: u32,
  x_col: u32,
  x_batch: u32,
  y_octets: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<mat2x4f>;

// Four elements of a row that begins at element `first` of X, from column `col` on; 0 past the last.
fn load(first: u32, col: u32) -> vec4f {
  let cols = vec4u(col, col + 1u, col + 2u, col + 3u);
  let inside = cols < vec4u(tile.cols);
  // An index that is outside reads the first element of the row and is dropped.
  let at = vec4u(first) + select(vec4u(), cols, inside) * tile.x_col;
  return select(vec4f(), vec4f(x[at.x], x[at.y], x[at.z], x[at.w]), inside);
}

@compute @workgroup_size(WORKGROUP)
fn gemm_pack(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  if (id.x >= tile.y_octets) {
    return;
  }
  let col = 8u * id.x;
  let exists = id.y < tile.rows;
  let row = select(0u, id.y, exists);
  let first = tile.x_base + id.z * tile.x_batch + row * tile.x_row;
  let left = select(vec4f(), load(first, col), exists);
  let right = select(vec4f(), load(first, col + 4u), exists);
  y[(id.z * groups.y + id.y) * tile.y_octets + id.x] = mat2x4f(left, right);
}
