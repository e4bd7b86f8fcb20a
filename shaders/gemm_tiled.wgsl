const ROWS = 8u; const QUADS = 2u; const A_LOADS = 2u; const B_LOADS = 2u; alias ElemA = vec4f; const WIDTH_A = 4u; fn widen_a(word: ElemA) -> vec4f { return word; } alias ElemB = vec4f; const WIDTH_B = 4u; fn widen_b(word: ElemB) -> vec4f { return word; } alias ElemC = vec4f; const WIDTH_C = 4u; fn narrow_c(values: vec4f) -> ElemC { return values; } // the host replaces this line

// C = A·B or C += A·B, row-major, products and sums in f32. A workgroup makes a tile of
// ROWS·THREADS_M × 4·QUADS·THREADS_N elements of C, an invocation ROWS × 4·QUADS of them in registers.
// DEPTH columns of A and rows of B at a time pass through workgroup memory as quads: of A along k, of
// B along n. The next quads are read into registers while the present ones are multiplied.
//
// Host contract (src/kernels/gemm/gemm-tiled.ts, gemm-plan.ts):
//   ROWS            1 … 8; QUADS: 1 or 2
//   THREADS_M, THREADS_N   invocations of a workgroup along m and n,
//                   THREADS_M·THREADS_N ≤ maxComputeInvocationsPerWorkgroup
//   DEPTH           a multiple of 4: how much of k is in workgroup memory at a time
//   A_LOADS         ceil(ROWS·THREADS_M·DEPTH / (4·threads)), quads of A that an invocation loads;
//                   B_LOADS: ceil(QUADS·THREADS_N·DEPTH / threads), likewise of B
//   STAGES          2: a tile is filled while another is read, one barrier a step; 1: one tile, two
//                   barriers
//   SWIZZLE         rows of workgroups that are worked on together, so that what they read of B is
//                   still cached
//   ElemA, ElemB    a word of A or B as stored: WIDTH elements, which widen_… makes float32
//   ElemC           a word of C: WIDTH_C elements, 4 or 1
//   TRANSPOSE_A     A is stored k×m instead of m×k; TRANSPOSE_B: B is stored n×k instead of k×n
//   ACCUMULATE      C += A·B
//   dispatch        (ceil(n / (4·QUADS·THREADS_N)), ceil(m / (ROWS·THREADS_M)), products·slices)
//   a, b, c         windows of the operands' buffers; element (i, j) of an operand as stored is
//                   number base + i·stride + j, and that of the next product of a batch is batch
//                   elements further on. Where WIDTH is 4, all of these and the columns as stored
//                   are multiples of 4
//   slices          parts of k: z = product·slices + slice. Slice s sums k_slice·s … of k into a
//                   matrix of its own, c_slice elements after the one before; k_slice is a multiple of 4
//   shared memory   4·STAGES·DEPTH·(ROWS·THREADS_M + 4·QUADS·THREADS_N) bytes
//   edges           rows and columns outside are read from the last inside and not stored
//   rounding        one fma after the other in order of k, from 0, or from C where ACCUMULATE:
//                   |Ĉ - A·B| ≤ γ_k |A||B|, accumulating |Ĉ - (C + A·B)| ≤ γ_{k+1} (|C| + |A||B|),
//                   γ_n = n·u / (1 - n·u), u = 2^-24, fused or not, as long as nothing underflows;
//                   k is the length of a slice

override THREADS_M: u32 = 8u;
override THREADS_N: u32 = 8u;
override DEPTH: u32 = 16u;
override STAGES: u32 = 1u;
override SWIZZLE: u32 = 1u;
override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;
override ACCUMULATE: bool = false;

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

// Quad [row · DEPTH/4 + q] of a stage holds a row of A at columns 4q … 4q+3, quad
// [i · QUADS·THREADS_N + q] row i of B at columns 4q … 4q+3 of the tile.
var<workgroup> tile_a: array<vec4f, STAGES * ROWS * THREADS_M * DEPTH / 4u>;
var<workgroup> tile_b: array<vec4f, STAGES * QUADS * THREADS_N * DEPTH>;

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

// Row i of B, columns col … col+3; 0 from row `end` on. What stands for columns past the last does
// not matter.
fn load_b4(start: u32, i: u32, col: u32, end: u32) -> vec4f {
  if (i >= end) {
    return vec4f();
  }
  let last = tile.n - 1u;
  if (TRANSPOSE_B) {
    let at = start + i;
    return vec4f(
      load_b(at + min(col, last) * tile.b_stride),
      load_b(at + min(col + 1u, last) * tile.b_stride),
      load_b(at + min(col + 2u, last) * tile.b_stride),
      load_b(at + min(col + 3u, last) * tile.b_stride),
    );
  }
  let at = start + i * tile.b_stride;
  if (WIDTH_B == 4u) {
    return widen_b(b[(at + min(col, (tile.n - 1u) & ~3u)) / 4u]);
  }
  return vec4f(
    load_b(at + min(col, last)),
    load_b(at + min(col + 1u, last)),
    load_b(at + min(col + 2u, last)),
    load_b(at + min(col + 3u, last)),
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

// The workgroup's place in the grid of tiles, column first.
fn place(group: vec3u, groups: vec3u) -> vec2u {
  let index = group.y * groups.x + group.x;
  let block = SWIZZLE * groups.x;
  let first = index / block * SWIZZLE;
  let height = min(SWIZZLE, groups.y - first);
  let within = index % block;
  return vec2u(within / height, first + within % height);
}

@compute @workgroup_size(THREADS_N, THREADS_M)
fn gemm_tiled(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let threads = THREADS_M * THREADS_N;
  let quads_a = ROWS * THREADS_M * DEPTH / 4u;
  let quads_b = QUADS * THREADS_N * DEPTH;
  let product = group.z / tile.slices;
  let slice = group.z % tile.slices;
  let a_start = tile.a_base + product * tile.a_batch;
  let b_start = tile.b_base + product * tile.b_batch;
  let c_start = tile.c_base + product * tile.c_batch + slice * tile.c_slice;
  let end = min(tile.k, (slice + 1u) * tile.k_slice);
  let at = place(group, groups);
  let first_row = at.y * ROWS * THREADS_M;
  let first_col = at.x * 4u * QUADS * THREADS_N;
  // Neighbours take neighbouring rows of the tile, THREADS_M apart, and neighbouring quads.
  let row = first_row + local.y;
  let col = first_col + 4u * local.x;
  let col2 = col + 4u * THREADS_N;
  let last = tile.m - 1u;

  var c0 = vec4f();
  var d0 = vec4f();
  var c1 = vec4f();
  var d1 = vec4f();
  var c2 = vec4f();
  var d2 = vec4f();
  var c3 = vec4f();
  var d3 = vec4f();
  var c4 = vec4f();
  var d4 = vec4f();
  var c5 = vec4f();
  var d5 = vec4f();
  var c6 = vec4f();
  var d6 = vec4f();
  var c7 = vec4f();
  var d7 = vec4f();
  if (ACCUMULATE) {
    c0 = begin(c_start, row, col);
    d0 = begin(c_start, row, col2);
    c1 = begin(c_start, row + THREADS_M, col);
    d1 = begin(c_start, row + THREADS_M, col2);
    c2 = begin(c_start, row + 2u * THREADS_M, col);
    d2 = begin(c_start, row + 2u * THREADS_M, col2);
    c3 = begin(c_start, row + 3u * THREADS_M, col);
    d3 = begin(c_start, row + 3u * THREADS_M, col2);
    c4 = begin(c_start, row + 4u * THREADS_M, col);
    d4 = begin(c_start, row + 4u * THREADS_M, col2);
    c5 = begin(c_start, row + 5u * THREADS_M, col);
    d5 = begin(c_start, row + 5u * THREADS_M, col2);
    c6 = begin(c_start, row + 6u * THREADS_M, col);
    d6 = begin(c_start, row + 6u * THREADS_M, col2);
    c7 = begin(c_start, row + 7u * THREADS_M, col);
    d7 = begin(c_start, row + 7u * THREADS_M, col2);
  }

  var next_a = array<vec4f, A_LOADS>();
  var next_b = array<vec4f, B_LOADS>();
  let first = slice * tile.k_slice;
  var stage = 0u;
  // One round more than there are steps: each reads the next tile and multiplies the last one.
  for (var step = first; step < end + DEPTH; step += DEPTH) {
    if (step < end) {
      // Neighbours read along k where the matrix is stored along k, across it otherwise.
      for (var l = 0u; l < A_LOADS; l++) {
        let slot = index + l * threads;
        let r = select(slot / (DEPTH / 4u), slot % (ROWS * THREADS_M), TRANSPOSE_A);
        let q = select(slot % (DEPTH / 4u), slot / (ROWS * THREADS_M), TRANSPOSE_A);
        let i = step + 4u * q;
        next_a[l] = vec4f();
        if (i < end) {
          next_a[l] = load_a4(a_start, min(first_row + r, last), i, end);
        }
      }
      for (var l = 0u; l < B_LOADS; l++) {
        let slot = index + l * threads;
        let i = select(slot / (QUADS * THREADS_N), slot % DEPTH, TRANSPOSE_B);
        let q = select(slot % (QUADS * THREADS_N), slot / DEPTH, TRANSPOSE_B);
        next_b[l] = load_b4(b_start, step + i, first_col + 4u * q, end);
      }
    }
    if (step > first) {
      let held_a = stage * quads_a + local.y * (DEPTH / 4u);
      let held_b = stage * quads_b + local.x;
      for (var q = 0u; q < DEPTH / 4u; q++) {
        let at_b = held_b + 4u * q * QUADS * THREADS_N;
        let lines = mat4x4f(
          tile_b[at_b],
          tile_b[at_b + QUADS * THREADS_N],
          tile_b[at_b + 2u * QUADS * THREADS_N],
          tile_b[at_b + 3u * QUADS * THREADS_N],
        );
        var more = mat4x4f();
        if (QUADS > 1u) {
          more = mat4x4f(
            tile_b[at_b + THREADS_N],
            tile_b[at_b + (QUADS + 1u) * THREADS_N],
            tile_b[at_b + (2u * QUADS + 1u) * THREADS_N],
            tile_b[at_b + (3u * QUADS + 1u) * THREADS_N],
          );
        }
        {
          let quad = tile_a[held_a + q];
          c0 = dot4(quad, lines, c0);
          if (QUADS > 1u) {
            d0 = dot4(quad, more, d0);
          }
        }
        if (ROWS > 1u) {
          let quad = tile_a[held_a + 1u * THREADS_M * (DEPTH / 4u) + q];
          c1 = dot4(quad, lines, c1);
          if (QUADS > 1u) {
            d1 = dot4(quad, more, d1);
          }
        }
        if (ROWS > 2u) {
          let quad = tile_a[held_a + 2u * THREADS_M * (DEPTH / 4u) + q];
          c2 = dot4(quad, lines, c2);
          if (QUADS > 1u) {
            d2 = dot4(quad, more, d2);
          }
        }
        if (ROWS > 3u) {
          let quad = tile_a[held_a + 3u * THREADS_M * (DEPTH / 4u) + q];
          c3 = dot4(quad, lines, c3);
          if (QUADS > 1u) {
            d3 = dot4(quad, more, d3);
          }
        }
        if (ROWS > 4u) {
          let quad = tile_a[held_a + 4u * THREADS_M * (DEPTH / 4u) + q];
          c4 = dot4(quad, lines, c4);
          if (QUADS > 1u) {
            d4 = dot4(quad, more, d4);
          }
        }
        if (ROWS > 5u) {
          let quad = tile_a[held_a + 5u * THREADS_M * (DEPTH / 4u) + q];
          c5 = dot4(quad, lines, c5);
          if (QUADS > 1u) {
            d5 = dot4(quad, more, d5);
          }
        }
        if (ROWS > 6u) {
          let quad = tile_a[held_a + 6u * THREADS_M * (DEPTH / 4u) + q];
          c6 = dot4(quad, lines, c6);
          if (QUADS > 1u) {
            d6 = dot4(quad, more, d6);
          }
        }
        if (ROWS > 7u) {
          let quad = tile_a[held_a + 7u * THREADS_M * (DEPTH / 4u) + q];
          c7 = dot4(quad, lines, c7);
          if (QUADS > 1u) {
            d7 = dot4(quad, more, d7);
          }
        }
      }
      if (STAGES == 1u) {
        workgroupBarrier(); // the tile is free
      }
      stage = (stage + 1u) % STAGES;
    }
    // With two stages the one that is filled was last read before the barrier of the round before.
    if (step < end) {
      for (var l = 0u; l < A_LOADS; l++) {
        let slot = index + l * threads;
        let r = select(slot / (DEPTH / 4u), slot % (ROWS * THREADS_M), TRANSPOSE_A);
        let q = select(slot % (DEPTH / 4u), slot / (ROWS * THREADS_M), TRANSPOSE_A);
        if (slot < quads_a) {
          tile_a[stage * quads_a + r * (DEPTH / 4u) + q] = next_a[l];
        }
      }
      for (var l = 0u; l < B_LOADS; l++) {
        let slot = index + l * threads;
        let i = select(slot / (QUADS * THREADS_N), slot % DEPTH, TRANSPOSE_B);
        let q = select(slot % (QUADS * THREADS_N), slot / DEPTH, TRANSPOSE_B);
        if (slot < quads_b) {
          tile_b[stage * quads_b + i * QUADS * THREADS_N + q] = next_b[l];
        }
      }
    }
    workgroupBarrier(); // the tile is filled
  }

  store(c_start, row, col, c0);
  if (ROWS > 1u) {
    store(c_start, row + THREADS_M, col, c1);
  }
  if (ROWS > 2u) {
    store(c_start, row + 2u * THREADS_M, col, c2);
  }
  if (ROWS > 3u) {
    store(c_start, row + 3u * THREADS_M, col, c3);
  }
  if (ROWS > 4u) {
    store(c_start, row + 4u * THREADS_M, col, c4);
  }
  if (ROWS > 5u) {
    store(c_start, row + 5u * THREADS_M, col, c5);
  }
  if (ROWS > 6u) {
    store(c_start, row + 6u * THREADS_M, col, c6);
  }
  if (ROWS > 7u) {
    store(c_start, row + 7u * THREADS_M, col, c7);
  }
  if (QUADS > 1u) {
    store(c_start, row, col2, d0);
    if (ROWS > 1u) {
      store(c_start, row + THREADS_M, col2, d1);
    }
    if (ROWS > 2u) {
      store(c_start, row + 2u * THREADS_M, col2, d2);
    }
    if (ROWS > 3u) {
      store(c_start, row + 3u * THREADS_M, col2, d3);
    }
    if (ROWS > 4u) {
      store(c_start, row + 4u * THREADS_M, col2, d4);
    }
    if (ROWS > 5u) {
      store(c_start, row + 5u * THREADS_M, col2, d5);
    }
    if (ROWS > 6u) {
      store(c_start, row + 6u * THREADS_M, col2, d6);
    }
    if (ROWS > 7u) {
      store(c_start, row + 7u * THREADS_M, col2, d7);
    }
  }
}
