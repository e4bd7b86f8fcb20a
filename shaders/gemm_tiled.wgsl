// C = A·B or C += A·B, f32, row-major. One workgroup makes a tile of 4·ROWS × 4·COLS elements of C,
// one invocation a block of 4×4 in registers. DEPTH columns of A and rows of B at a time pass
// through workgroup memory as vec4: four rows of A, four columns of B.
//
// Host contract (src/kernels/gemm-plan.ts, gemm.ts):
//   COLS, ROWS      invocations of a workgroup along n and m,
//                   COLS·ROWS ≤ maxComputeInvocationsPerWorkgroup
//   DEPTH           how much of k is in workgroup memory at a time
//   TRANSPOSE_A     A is stored k×m instead of m×k; TRANSPOSE_B: B is stored n×k instead of k×n
//   dispatch        (ceil(n / (4·COLS)), ceil(m / (4·ROWS)), 1)
//   a, b, c         windows of the operands' buffers; element (i, j) of an operand as stored is
//                   number base + i·stride + j; stride may be anything where there is but one row
//   shared memory   16·DEPTH·(ROWS + COLS) bytes
//   edges           out-of-range loads give 0, out-of-range stores are skipped
//   rounding        one fma after the other in order of k, from 0, or from C where accumulate ≠ 0:
//                   |Ĉ - A·B| ≤ γ_k |A||B|, accumulating |Ĉ - (C + A·B)| ≤ γ_{k+1} (|C| + |A||B|),
//                   γ_n = n·u / (1 - n·u), u = 2^-24, fused or not, as long as nothing underflows

override COLS: u32 = 8u;
override ROWS: u32 = 8u;
override DEPTH: u32 = 32u;
override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;

struct Tile {
  m: u32,
  k: u32,
  n: u32,
  accumulate: u32,
  a_base: u32,
  a_stride: u32,
  b_base: u32,
  b_stride: u32,
  c_base: u32,
  c_stride: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

// Element [i · ROWS + r] holds rows 4r … 4r+3 of A at column i; tile_b likewise for columns of B.
var<workgroup> tile_a: array<vec4f, DEPTH * ROWS>;
var<workgroup> tile_b: array<vec4f, DEPTH * COLS>;

// Branch-free: an element outside is read from the start of the window and dropped.
fn load_a(row: u32, i: u32) -> f32 {
  let inside = row < tile.m && i < tile.k;
  let at = select(row * tile.a_stride + i, i * tile.a_stride + row, TRANSPOSE_A);
  return select(0.0, a[tile.a_base + select(0u, at, inside)], inside);
}

fn load_b(i: u32, col: u32) -> f32 {
  let inside = i < tile.k && col < tile.n;
  let at = select(i * tile.b_stride + col, col * tile.b_stride + i, TRANSPOSE_B);
  return select(0.0, b[tile.b_base + select(0u, at, inside)], inside);
}

fn load_c(row: u32, col: u32) -> vec4f {
  var values = vec4f();
  if (tile.accumulate != 0u && row < tile.m) {
    for (var j = 0u; j < 4u && col + j < tile.n; j++) {
      values[j] = c[tile.c_base + row * tile.c_stride + col + j];
    }
  }
  return values;
}

fn store_c(row: u32, col: u32, values: vec4f) {
  if (row < tile.m) {
    for (var j = 0u; j < 4u && col + j < tile.n; j++) {
      c[tile.c_base + row * tile.c_stride + col + j] = values[j];
    }
  }
}

@compute @workgroup_size(COLS, ROWS)
fn gemm_tiled(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let first_row = group.y * 4u * ROWS;
  let first_col = group.x * 4u * COLS;
  let row = first_row + 4u * local.y;
  let col = first_col + 4u * local.x;

  var c0 = load_c(row, col);
  var c1 = load_c(row + 1u, col);
  var c2 = load_c(row + 2u, col);
  var c3 = load_c(row + 3u, col);

  for (var first = 0u; first < tile.k; first += DEPTH) {
    // Neighbours load neighbours: along k where the matrix is stored along k, across it otherwise.
    for (var slot = index; slot < DEPTH * ROWS; slot += ROWS * COLS) {
      let i = select(slot % DEPTH, slot / ROWS, TRANSPOSE_A);
      let r = select(slot / DEPTH, slot % ROWS, TRANSPOSE_A);
      let rows = first_row + 4u * r;
      tile_a[i * ROWS + r] = vec4f(
        load_a(rows, first + i),
        load_a(rows + 1u, first + i),
        load_a(rows + 2u, first + i),
        load_a(rows + 3u, first + i),
      );
    }
    for (var slot = index; slot < DEPTH * COLS; slot += ROWS * COLS) {
      let i = select(slot / COLS, slot % DEPTH, TRANSPOSE_B);
      let q = select(slot % COLS, slot / DEPTH, TRANSPOSE_B);
      let cols = first_col + 4u * q;
      tile_b[i * COLS + q] = vec4f(
        load_b(first + i, cols),
        load_b(first + i, cols + 1u),
        load_b(first + i, cols + 2u),
        load_b(first + i, cols + 3u),
      );
    }
    workgroupBarrier(); // both tiles are loaded

    for (var i = 0u; i < DEPTH; i++) {
      let column = tile_a[i * ROWS + local.y];
      let line = tile_b[i * COLS + local.x];
      c0 = fma(vec4f(column.x), line, c0);
      c1 = fma(vec4f(column.y), line, c1);
      c2 = fma(vec4f(column.z), line, c2);
      c3 = fma(vec4f(column.w), line, c3);
    }
    workgroupBarrier(); // both tiles are free for the next step
  }

  store_c(row, col, c0);
  store_c(row + 1u, col, c1);
  store_c(row + 2u, col, c2);
  store_c(row + 3u, col, c3);
}
