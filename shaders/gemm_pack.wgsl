// Y = X with rows that begin at multiples of four elements, f32, and zeros around: a copy of an operand
// whose rows begin anywhere or that is stored transposed, for kernels that read several elements of a
// row at a time. One invocation makes four elements of a row.
//
// Host contract (src/kernels/gemm-pack.ts):
//   WORKGROUP       invocations of a workgroup, along the columns
//   dispatch        (ceil(y_cols / (4·WORKGROUP)), y_rows, matrices)
//   x               rows × cols, element (i, j) at x_base + i·x_row + j·x_col, and that of the next matrix
//                   of a batch x_batch further on
//   y               packed, y_cols elements a row, a multiple of four; rows and columns past X are 0
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
  y_quads: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn gemm_pack(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  if (id.x >= tile.y_quads) {
    return;
  }
  let col = 4u * id.x;
  let inside = vec4<bool>(
    col < tile.cols,
    col + 1u < tile.cols,
    col + 2u < tile.cols,
    col + 3u < tile.cols,
  );
  // An index that is outside reads the first element of the row, or of the matrix, and is dropped.
  let row = select(0u, id.y, id.y < tile.rows);
  let first = tile.x_base + id.z * tile.x_batch + row * tile.x_row;
  let cols = select(vec4u(), vec4u(col, col + 1u, col + 2u, col + 3u), inside);
  let at = vec4u(first) + cols * tile.x_col;
  let quad = vec4f(x[at.x], x[at.y], x[at.z], x[at.w]);
  let kept = select(vec4f(), quad, inside);
  let line = id.z * groups.y + id.y;
  y[line * tile.y_quads + id.x] = select(vec4f(), kept, id.y < tile.rows);
}
