alias ElemA = vec4f; const WIDTH_A = 4u; fn widen_a(word: ElemA) -> vec4f { return word; } alias ElemB = vec4f; const WIDTH_B = 4u; fn widen_b(word: ElemB) -> vec4f { return word; } alias ElemC = vec4f; const WIDTH_C = 4u; fn narrow_c(values: vec4f) -> ElemC { return values; } // the host replaces this line

// C = A·B or C += A·B for a B of few columns, row-major, products and sums in f32. LANES invocations
// share a row of A, so that neighbours read neighbouring memory; each sums its own quads of the row
// for four columns of C, and the lanes' sums are added in one fixed order through workgroup memory.
//
// Host contract (src/kernels/gemm/gemm-vector.ts, gemm-plan.ts):
//   LANES           a power of two, invocations along k; ROWS: rows of a workgroup,
//                   LANES·ROWS ≤ maxComputeInvocationsPerWorkgroup
//   ElemA, ElemB    a word of A or B as stored: WIDTH elements, which widen_… makes float32
//   ElemC           a word of C: WIDTH_C elements, 4 or 1
//   TRANSPOSE_A     A is stored k×m instead of m×k; TRANSPOSE_B: B is stored n×k instead of k×n
//   ACCUMULATE      C += A·B
//   WHOLE_QUADS_OF_K   k is a multiple of 4, or zeros follow B up to the next one
//   dispatch        (ceil(n / 4), ceil(m / ROWS), products·slices)
//   a, b, c         windows of the operands' buffers; element (i, j) of an operand as stored is
//                   number base + i·stride + j, and that of the next product of a batch is batch
//                   elements further on. Where WIDTH is 4, all of these and the columns as stored
//                   are multiples of 4
//   slices          parts of k: z = product·slices + slice. Slice s sums k_slice·s … of k into a
//                   matrix of its own, c_slice elements after the one before; k_slice is a multiple of 4
//   shared memory   16·LANES·ROWS bytes
//   edges           rows and columns outside are read from the last inside and not stored
//   rounding        every element of C is the sum of k products with no more than k roundings on the
//                   way of each: |Ĉ - A·B| ≤ γ_k |A||B|, accumulating γ_{k+1} (|C| + |A||B|),
//                   γ_n = n·u / (1 - n·u), u = 2^-24, fused or not, as long as nothing underflows;
//                   k is the length of a slice

override LANES: u32 = 32u;
override ROWS: u32 = 2u;
override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;
override ACCUMULATE: bool = false;
override WHOLE_QUADS_OF_K: bool = false;

struct Tile {
  m: u32,
  k: u32,
  n: u32,
  a_base: u32,
  a_stride: u32,
  b_base: u32,
  b_stride: u32,
  c_base: u32,
  c_stride: u32,
  slices: u32,
  k_slice: u32,
  a_batch: u32,
  b_batch: u32,
  c_batch: u32,
  c_slice: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> a: array<ElemA>;
@group(0) @binding(2) var<storage, read> b: array<ElemB>;
@group(0) @binding(3) var<storage, read_write> c: array<ElemC>;

var<workgroup> sums: array<vec4f, LANES * ROWS>;

fn load_a(at: u32) -> f32 {
  return widen_a(a[at / WIDTH_A])[at % WIDTH_A];
}

fn load_b(at: u32) -> f32 {
  return widen_b(b[at / WIDTH_B])[at % WIDTH_B];
}

// Row `row` of A, columns i … i+3; 0 from column `end` on. An aligned row ends at a multiple of four,
// and so do slices, so that nothing needs to be looked at.
fn load_a4(start: u32, row: u32, i: u32, end: u32) -> vec4f {
  if (WIDTH_A == 4u && !TRANSPOSE_A) {
    return widen_a(a[(start + row * tile.a_stride + i) / 4u]);
  }
  let step = select(1u, tile.a_stride, TRANSPOSE_A);
  let at = start + select(row * tile.a_stride + i, i * tile.a_stride + row, TRANSPOSE_A);
  let last = end - 1u - i;
  return vec4f(
    load_a(at),
    select(0.0, load_a(at + min(1u, last) * step), 1u <= last),
    select(0.0, load_a(at + min(2u, last) * step), 2u <= last),
    select(0.0, load_a(at + min(3u, last) * step), 3u <= last),
  );
}

// Rows i … i+3 of B, columns col … col+3, a row a column of the matrix; 0 from row `end` on. What
// stands for columns past the last does not matter.
fn load_b4x4(start: u32, i: u32, col: u32, end: u32) -> mat4x4f {
  if (TRANSPOSE_B) {
    return transpose(mat4x4f(
      load_column(start, i, col, end),
      load_column(start, i, col + 1u, end),
      load_column(start, i, col + 2u, end),
      load_column(start, i, col + 3u, end),
    ));
  }
  let at = start + i * tile.b_stride;
  let step = tile.b_stride;
  if (WHOLE_QUADS_OF_K) {
    return mat4x4f(
      load_row(at, col),
      load_row(at + step, col),
      load_row(at + 2u * step, col),
      load_row(at + 3u * step, col),
    );
  }
  let last = end - 1u - i;
  return mat4x4f(
    load_row(at, col),
    select(vec4f(), load_row(at + min(1u, last) * step, col), 1u <= last),
    select(vec4f(), load_row(at + min(2u, last) * step, col), 2u <= last),
    select(vec4f(), load_row(at + min(3u, last) * step, col), 3u <= last),
  );
}

// Columns col … col+3 of a row that begins at element `at`.
fn load_row(at: u32, col: u32) -> vec4f {
  if (WIDTH_B == 4u) {
    return widen_b(b[(at + min(col, (tile.n - 1u) & ~3u)) / 4u]);
  }
  let last = at + tile.n - 1u;
  let first = at + col;
  return vec4f(
    load_b(min(first, last)),
    load_b(min(first + 1u, last)),
    load_b(min(first + 2u, last)),
    load_b(min(first + 3u, last)),
  );
}

// Rows i … i+3 of a column that is stored as a row.
fn load_column(start: u32, i: u32, col: u32, end: u32) -> vec4f {
  let at = start + min(col, tile.n - 1u) * tile.b_stride + i;
  if (WIDTH_B == 4u) {
    return widen_b(b[at / 4u]);
  }
  let last = end - 1u - i;
  return vec4f(
    load_b(at),
    select(0.0, load_b(at + min(1u, last)), 1u <= last),
    select(0.0, load_b(at + min(2u, last)), 2u <= last),
    select(0.0, load_b(at + min(3u, last)), 3u <= last),
  );
}

fn load_c(at: u32) -> f32 {
  return vec4f(c[at]).x;
}

// Row `row` of C, columns col … col+3, as the sums begin: 0, or what C holds.
fn begin(start: u32, row: u32, col: u32) -> vec4f {
  if (!ACCUMULATE || row >= tile.m || col >= tile.n) {
    return vec4f();
  }
  let first = start + row * tile.c_stride;
  let at = first + col;
  if (WIDTH_C == 4u) {
    return vec4f(c[at / 4u]);
  }
  let last = first + tile.n - 1u;
  return vec4f(
    load_c(at),
    load_c(min(at + 1u, last)),
    load_c(min(at + 2u, last)),
    load_c(min(at + 3u, last)),
  );
}

fn store(start: u32, row: u32, col: u32, values: vec4f) {
  if (row >= tile.m || col >= tile.n) {
    return;
  }
  let at = start + row * tile.c_stride + col;
  if (WIDTH_C == 4u) {
    c[at / 4u] = narrow_c(values);
    return;
  }
  if (col + 4u <= tile.n) {
    c[at] = narrow_c(values.xxxx);
    c[at + 1u] = narrow_c(values.yyyy);
    c[at + 2u] = narrow_c(values.zzzz);
    c[at + 3u] = narrow_c(values.wwww);
    return;
  }
  c[at] = narrow_c(values.xxxx);
  if (col + 1u < tile.n) {
    c[at + 1u] = narrow_c(values.yyyy);
  }
  if (col + 2u < tile.n) {
    c[at + 2u] = narrow_c(values.zzzz);
  }
}

// sum + four columns of A times four rows of B, in order of k.
fn dot4(row: vec4f, lines: mat4x4f, sum: vec4f) -> vec4f {
  let first = fma(row.yyyy, lines[1], fma(row.xxxx, lines[0], sum));
  return fma(row.wwww, lines[3], fma(row.zzzz, lines[2], first));
}

@compute @workgroup_size(LANES, ROWS)
fn gemm_vector(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
) {
  let product = group.z / tile.slices;
  let slice = group.z % tile.slices;
  let a_start = tile.a_base + product * tile.a_batch;
  let b_start = tile.b_base + product * tile.b_batch;
  let c_start = tile.c_base + product * tile.c_batch + slice * tile.c_slice;
  let end = min(tile.k, (slice + 1u) * tile.k_slice);
  let row = group.y * ROWS + local.y;
  let col = group.x * 4u;
  let held = min(row, tile.m - 1u);

  var sum = vec4f();
  for (var i = slice * tile.k_slice + 4u * local.x; i < end; i += 4u * LANES) {
    sum = dot4(load_a4(a_start, held, i, end), load_b4x4(b_start, i, col, end), sum);
  }
  let slot = local.y * LANES + local.x;
  sums[slot] = sum;
  for (var reach = LANES / 2u; reach > 0u; reach /= 2u) {
    workgroupBarrier(); // the sums of the last step are there
    if (local.x < reach) {
      sums[slot] += sums[slot + reach];
    }
  }
  if (local.x == 0u) {
    store(c_start, row, col, sums[slot] + begin(c_start, row, col));
  }
}
