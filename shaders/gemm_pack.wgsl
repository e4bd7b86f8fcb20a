// Y = X with rows that begin at multiples of four elements, f32, and zeros around: a copy of an operand
// whose rows begin anywhere, for kernels that read four elements at a time. One invocation makes four
// elements of a row.
//
// Host contract (src/kernels/gemm-pack.ts):
//   WORKGROUP       invocations of a workgroup, along the columns
//   dispatch        (ceil(y_cols / (4·WORKGROUP)), y_rows, 1)
//   x               rows × cols, element (i, j) at x_base + i·x_stride + j
//   y               packed, y_cols elements a row, a multiple of four; rows and columns past X are 0
//   shared memory   none
//   edges           invocations past the columns of Y do nothing
//   rounding        none

override WORKGROUP: u32 = 64u;

struct Tile {
  rows: u32,
  cols: u32,
  x_base: u32,
  x_stride: u32,
  y_quads: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(WORKGROUP)
fn gemm_pack(@builtin(global_invocation_id) id: vec3u) {
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
  let first = tile.x_base + row * tile.x_stride;
  let at = vec4u(first) + select(vec4u(), vec4u(col, col + 1u, col + 2u, col + 3u), inside);
  let quad = vec4f(x[at.x], x[at.y], x[at.z], x[at.w]);
  let kept = select(vec4f(), quad, inside);
  y[id.y * tile.y_quads + id.x] = select(vec4f(), kept, id.y < tile.rows);
}
