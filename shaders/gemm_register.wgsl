const ROWS = 8u; const QUADS = 2u; alias ElemA = vec4f; const WIDTH_A = 4u; fn widen_a(word: ElemA) -> vec4f { return word; } alias ElemB = vec4f; const WIDTH_B = 4u; fn widen_b(word: ElemB) -> vec4f { return word; } alias ElemC = vec4f; const WIDTH_C = 4u; fn narrow_c(values: vec4f) -> ElemC { return values; } // the host replaces this line

// C = A·B or C += A·B, row-major, products and sums in f32. One invocation makes ROWS × 4·QUADS
// elements of C in registers, straight from A and B: no workgroup memory and no barriers, which
// software drivers are slow at. Neighbours in a workgroup share rows of A or columns of B in the cache.
//
// Host contract (src/kernels/gemm/gemm-register.ts, gemm-plan.ts):
//   ROWS            1, 2, 4 or 8; QUADS: 1 or 2
//   THREADS_M, THREADS_N   invocations of a workgroup along m and n,
//                   THREADS_M·THREADS_N ≤ maxComputeInvocationsPerWorkgroup
//   ElemA, ElemB    a word of A or B as stored: WIDTH elements, which widen_… makes float32
//   ElemC           a word of C: WIDTH_C elements, 4 or 1
//   TRANSPOSE_A     A is stored k×m instead of m×k; TRANSPOSE_B: B is stored n×k instead of k×n
//   ACCUMULATE      C += A·B
//   WHOLE_QUADS_OF_K   k is a multiple of 4, or zeros follow B up to the next one
//   dispatch        (ceil(n / (4·QUADS·THREADS_N)), ceil(m / (ROWS·THREADS_M)), products·slices)
//   a, b, c         windows of the operands' buffers; element (i, j) of an operand as stored is
//                   number base + i·stride + j, and that of the next product of a batch is batch
//                   elements further on. Where WIDTH is 4, all of these and the columns as stored
//                   are multiples of 4
//   slices          parts of k: z = product·slices + slice. Slice s sums k_slice·s … of k into a
//                   matrix of its own, c_slice elements after the one before; k_slice is a multiple of 4
//   shared memory   none
//   edges           rows and columns outside are read from the last inside and not stored
//   rounding        one fma after the other in order of k, from 0, or from C where ACCUMULATE:
//                   |Ĉ - A·B| ≤ γ_k |A||B|, accumulating |Ĉ - (C + A·B)| ≤ γ_{k+1} (|C| + |A||B|),
//                   γ_n = n·u / (1 - n·u), u = 2^-24, fused or not, as long as nothing underflows;
//                   k is the length of a slice

override THREADS_M: u32 = 8u;
override THREADS_N: u32 = 8u;
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

@compute @workgroup_size(THREADS_N, THREADS_M)
fn gemm_register(@builtin(global_invocation_id) id: vec3u) {
  let product = id.z / tile.slices;
  let slice = id.z % tile.slices;
  let a_start = tile.a_base + product * tile.a_batch;
  let b_start = tile.b_base + product * tile.b_batch;
  let c_start = tile.c_base + product * tile.c_batch + slice * tile.c_slice;
  let end = min(tile.k, (slice + 1u) * tile.k_slice);
  let row = id.y * ROWS;
  let col = id.x * 4u * QUADS;
  if (row >= tile.m || col >= tile.n) {
    return;
  }
  let last = tile.m - 1u;

  var c0 = begin(c_start, row, col);
  var c1 = begin(c_start, row + 1u, col);
  var c2 = begin(c_start, row + 2u, col);
  var c3 = begin(c_start, row + 3u, col);
  var c4 = begin(c_start, row + 4u, col);
  var c5 = begin(c_start, row + 5u, col);
  var c6 = begin(c_start, row + 6u, col);
  var c7 = begin(c_start, row + 7u, col);
  var d0 = vec4f();
  var d1 = vec4f();
  var d2 = vec4f();
  var d3 = vec4f();
  var d4 = vec4f();
  var d5 = vec4f();
  var d6 = vec4f();
  var d7 = vec4f();
  if (QUADS > 1u) {
    d0 = begin(c_start, row, col + 4u);
    d1 = begin(c_start, row + 1u, col + 4u);
    d2 = begin(c_start, row + 2u, col + 4u);
    d3 = begin(c_start, row + 3u, col + 4u);
    d4 = begin(c_start, row + 4u, col + 4u);
    d5 = begin(c_start, row + 5u, col + 4u);
    d6 = begin(c_start, row + 6u, col + 4u);
    d7 = begin(c_start, row + 7u, col + 4u);
  }

  for (var i = slice * tile.k_slice; i < end; i += 4u) {
    let lines = load_b4x4(b_start, i, col, end);
    var more = mat4x4f();
    if (QUADS > 1u) {
      more = load_b4x4(b_start, i, col + 4u, end);
    }
    {
      let quad = load_a4(a_start, row, i, end);
      c0 = dot4(quad, lines, c0);
      if (QUADS > 1u) {
        d0 = dot4(quad, more, d0);
      }
    }
    if (ROWS > 1u) {
      let quad = load_a4(a_start, min(row + 1u, last), i, end);
      c1 = dot4(quad, lines, c1);
      if (QUADS > 1u) {
        d1 = dot4(quad, more, d1);
      }
    }
    if (ROWS > 2u) {
      let quad = load_a4(a_start, min(row + 2u, last), i, end);
      c2 = dot4(quad, lines, c2);
      if (QUADS > 1u) {
        d2 = dot4(quad, more, d2);
      }
    }
    if (ROWS > 3u) {
      let quad = load_a4(a_start, min(row + 3u, last), i, end);
      c3 = dot4(quad, lines, c3);
      if (QUADS > 1u) {
        d3 = dot4(quad, more, d3);
      }
    }
    if (ROWS > 4u) {
      let quad = load_a4(a_start, min(row + 4u, last), i, end);
      c4 = dot4(quad, lines, c4);
      if (QUADS > 1u) {
        d4 = dot4(quad, more, d4);
      }
    }
    if (ROWS > 5u) {
      let quad = load_a4(a_start, min(row + 5u, last), i, end);
      c5 = dot4(quad, lines, c5);
      if (QUADS > 1u) {
        d5 = dot4(quad, more, d5);
      }
    }
    if (ROWS > 6u) {
      let quad = load_a4(a_start, min(row + 6u, last), i, end);
      c6 = dot4(quad, lines, c6);
      if (QUADS > 1u) {
        d6 = dot4(quad, more, d6);
      }
    }
    if (ROWS > 7u) {
      let quad = load_a4(a_start, min(row + 7u, last), i, end);
      c7 = dot4(quad, lines, c7);
      if (QUADS > 1u) {
        d7 = dot4(quad, more, d7);
      }
    }
  }

  store(c_start, row, col, c0);
  if (ROWS > 1u) {
    store(c_start, row + 1u, col, c1);
  }
  if (ROWS > 2u) {
    store(c_start, row + 2u, col, c2);
  }
  if (ROWS > 3u) {
    store(c_start, row + 3u, col, c3);
  }
  if (ROWS > 4u) {
    store(c_start, row + 4u, col, c4);
  }
  if (ROWS > 5u) {
    store(c_start, row + 5u, col, c5);
  }
  if (ROWS > 6u) {
    store(c_start, row + 6u, col, c6);
  }
  if (ROWS > 7u) {
    store(c_start, row + 7u, col, c7);
  }
  if (QUADS > 1u) {
    store(c_start, row, col + 4u, d0);
    if (ROWS > 1u) {
      store(c_start, row + 1u, col + 4u, d1);
    }
    if (ROWS > 2u) {
      store(c_start, row + 2u, col + 4u, d2);
    }
    if (ROWS > 3u) {
      store(c_start, row + 3u, col + 4u, d3);
    }
    if (ROWS > 4u) {
      store(c_start, row + 4u, col + 4u, d4);
    }
    if (ROWS > 5u) {
      store(c_start, row + 5u, col + 4u, d5);
    }
    if (ROWS > 6u) {
      store(c_start, row + 6u, col + 4u, d6);
    }
    if (ROWS > 7u) {
      store(c_start, row + 7u, col + 4u, d7);
    }
  }
}
