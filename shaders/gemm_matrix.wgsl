enable f16; enable subgroups; enable subgroup_size_control; enable chromium_experimental_subgroup_matrix; const M = 16u; const N = 16u; const K = 16u; const LANES = 32u; const ROWS = 4u; const COLS = 2u; const STEPS = 1u; const A_LOADS = 2u; const B_LOADS = 2u; const SUBGROUPS_M = 2u; const SUBGROUPS_N = 2u; const STAGES = 1u; const PLANES = 1u; alias ElemA = vec4u; const WIDTH_A = 8u; fn words_a(word: ElemA) -> vec4u { return word; } alias ElemB = vec4u; const WIDTH_B = 8u; fn words_b(word: ElemB) -> vec4u { return word; } const DIRECT = 1u; fn store_whole(at: u32, sums: Result, stride: u32) { subgroupMatrixStore<row_major>(&c, at, sums, stride); } fn maximum_a(line: u32) -> u32 { return line; } fn maximum_b(line: u32) -> u32 { return line; } // the host replaces this line

// C = A·B or C += A·B with subgroup matrices (tensor cores): halves times halves, sums in f32, C f32,
// all row-major. A workgroup makes a tile of SUBGROUPS_M·ROWS·M × SUBGROUPS_N·COLS·N elements of C, a
// subgroup ROWS×COLS result matrices of M×N. STEPS·K columns of A and rows of B at a time pass through
// workgroup memory, eight halves a word; the next ones are read into registers while the present ones
// are multiplied. With two planes every element is a pair of halves, high + low/2^11, and three
// products of halves make one of pairs: high·high in one sum, high·low + low·high in another.
//
// Host contract (src/kernels/gemm/gemm-matrix.ts, gemm-plan.ts):
//   M, N, K         the shape of a subgroup matrix, multiples of 8, as in `subgroupMatrixConfigs`
//   LANES           the size of a subgroup
//   ROWS, COLS      2 or 4
//   SUBGROUPS_M, SUBGROUPS_N   subgroups of a workgroup along m and n; its invocations are
//                   LANES·SUBGROUPS_M·SUBGROUPS_N ≤ maxComputeInvocationsPerWorkgroup
//   STEPS           how many times K of k is in workgroup memory at a time
//   STAGES          2: a tile is filled while another is read, one barrier a step; 1: one tile, two
//                   barriers
//   PLANES          1: halves; 2: pairs
//   A_LOADS         ceil(SUBGROUPS_M·ROWS·M·STEPS·K / (8·invocations)); B_LOADS likewise
//   SWIZZLE         rows of workgroups that are worked on together, so that what they read of B is
//                   still cached
//   ElemA, ElemB    a word of A or B as stored: WIDTH halves in u32s, which words_… fills up to four.
//                   WIDTH is 8 or 2; with two planes it is 8, and eight high halves are followed by
//                   their eight low ones
//   DIRECT          1 where every window of C holds M·N elements and more, so that store_whole may store
//                   a result matrix as a whole; with two planes 0
//   maximum_…       with two planes the bits of the largest |element| of a row of A or column of B:
//                   its elements are stored times 2^(14 - e), e the exponent of that maximum. Read from
//                   the bindings 4 and 5, which with one plane are not there
//   ACCUMULATE      C += A·B
//   TRANSPOSE_A     A is stored k×m instead of m×k; TRANSPOSE_B: B is stored n×k instead of k×n
//   dispatch        (ceil(n / tile's columns), ceil(m / tile's rows), products·slices)
//   a, b, c         windows of the operands' buffers; element (i, j) of an operand as stored is
//                   number base + i·stride + j, and that of the next product of a batch is batch
//                   elements further on. Where WIDTH is 8, all of these and the columns as stored are
//                   multiples of 8
//   a_line, b_line  with two planes the number of the first row's and the first column's maximum,
//                   a_lines and b_lines from one product of a batch to the next
//   slices          parts of k: z = product·slices + slice. Slice s sums k_slice·s … of k into a
//                   matrix of its own, c_slice elements after the one before; k_slice is a multiple of 8
//   shared memory   16·STAGES·PLANES·STEPS·(SUBGROUPS_M·ROWS·A_BLOCK + SUBGROUPS_N·COLS·B_BLOCK)
//                   + 4·SUBGROUPS_M·SUBGROUPS_N·PLANES·M·N bytes, A_BLOCK and B_BLOCK as below
//   edges           out-of-range loads give 0, out-of-range stores are skipped
//   rounding        products of halves are exact, but hardware may truncate its sums: |Ĉ - A·B| ≤
//                   γ_r |A||B|, r = 2·(K + 2)·ceil(k / K), for the halves as stored, accumulating
//                   γ_{r+1} (|C| + |A||B|), γ_n = n·u / (1 - n·u), u = 2^-24, absent under- and overflow,
//                   subnormal halves perhaps taken for 0; k is the length of a slice. Derived, and for two
//                   planes too, in src/kernels/gemm/gemm-matrix.ts

override SWIZZLE: u32 = 1u;
override ACCUMULATE: bool = false;
override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;

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
  a_line: u32,
  b_line: u32,
  a_lines: u32,
  b_lines: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> a: array<ElemA>;
@group(0) @binding(2) var<storage, read> b: array<ElemB>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

alias Left = subgroup_matrix_left<f16, K, M>;
alias Right = subgroup_matrix_right<f16, N, K>;
alias Result = subgroup_matrix_result<f32, N, M>;

const HEIGHT = SUBGROUPS_M * ROWS * M;
const WIDTH = SUBGROUPS_N * COLS * N;
const DEPTH = STEPS * K;
const SUBGROUPS = SUBGROUPS_M * SUBGROUPS_N;
const THREADS = LANES * SUBGROUPS;

// A block is one subgroup matrix, line by line as it is stored, each line followed by eight halves of
// nothing: so the lines of a block begin in different banks. A block is an array of its own because
// the offset and the stride of a load that is checked for its bounds must be constants to be fast.
const A_BLOCK = max(M, K) * (max(M, K) / 8u + 1u);
const B_BLOCK = max(N, K) * (max(N, K) / 8u + 1u);
const A_BLOCKS = SUBGROUPS_M * ROWS * STEPS;
const B_BLOCKS = SUBGROUPS_N * COLS * STEPS;
override A_PITCH: u32 = select(K, M, TRANSPOSE_A) / 8u + 1u;
override B_PITCH: u32 = select(N, K, TRANSPOSE_B) / 8u + 1u;
// Octets, words of eight halves, in a line of a whole tile.
override A_OCTETS: u32 = select(DEPTH, HEIGHT, TRANSPOSE_A) / 8u;
override B_OCTETS: u32 = select(WIDTH, DEPTH, TRANSPOSE_B) / 8u;

// Block [(stage · PLANES + plane) · A_BLOCKS + (row / M) · STEPS + i / K], and likewise by columns.
var<workgroup> tile_a: array<array<vec4u, A_BLOCK>, STAGES * PLANES * A_BLOCKS>;
var<workgroup> tile_b: array<array<vec4u, B_BLOCK>, STAGES * PLANES * B_BLOCKS>;
// Where result matrices become elements: one a subgroup and plane.
var<workgroup> patches: array<array<vec4f, M * N / 4u>, SUBGROUPS * PLANES>;

// The halves at `at` and the seven that follow, 0 from the `count`-th on.
fn octet_a(at: u32, count: u32, plane: u32) -> vec4u {
  if (WIDTH_A == 8u) {
    return words_a(a[at / 8u * PLANES + plane]);
  }
  var halves = vec4u();
  for (var h = 0u; h < min(count, 8u); h++) {
    let word = words_a(a[(at + h) / 2u]).x;
    halves[h / 2u] |= ((word >> (16u * ((at + h) % 2u))) & 0xffffu) << (16u * (h % 2u));
  }
  return halves;
}

fn octet_b(at: u32, count: u32, plane: u32) -> vec4u {
  if (WIDTH_B == 8u) {
    return words_b(b[at / 8u * PLANES + plane]);
  }
  var halves = vec4u();
  for (var h = 0u; h < min(count, 8u); h++) {
    let word = words_b(b[(at + h) / 2u]).x;
    halves[h / 2u] |= ((word >> (16u * ((at + h) % 2u))) & 0xffffu) << (16u * (h % 2u));
  }
  return halves;
}

// Where octet `slot` of a tile is: row and column of A, row and column of B. Neighbours are
// neighbours in memory.
fn spot_a(slot: u32) -> vec2u {
  let spot = vec2u(slot / A_OCTETS, slot % A_OCTETS * 8u);
  return select(spot, spot.yx, TRANSPOSE_A);
}

fn spot_b(slot: u32) -> vec2u {
  let spot = vec2u(slot / B_OCTETS, slot % B_OCTETS * 8u);
  return select(spot, spot.yx, TRANSPOSE_B);
}

fn left(block: u32) -> Left {
  if (TRANSPOSE_A) {
    return subgroupMatrixLoad<Left, col_major>(&tile_a[block], 0u, A_PITCH);
  }
  return subgroupMatrixLoad<Left, row_major>(&tile_a[block], 0u, A_PITCH);
}

fn right(block: u32) -> Right {
  if (TRANSPOSE_B) {
    return subgroupMatrixLoad<Right, col_major>(&tile_b[block], 0u, B_PITCH);
  }
  return subgroupMatrixLoad<Right, row_major>(&tile_b[block], 0u, B_PITCH);
}

// The exponent e of a number that is not negative, 2^e ≤ x < 2^(e+1), from its bits; -150 for 0.
fn exponent_of(bits: u32) -> i32 {
  return select(i32(firstLeadingBit(bits)) - 149, i32(bits >> 23u) - 127, bits >= 0x800000u);
}

// A sum of pairs, freed of the scales of its row and its column. Exponents of more than a float has are
// applied in two steps; a row or column that is not finite gives NaN.
fn unscaled(sum: f32, row: u32, col: u32) -> f32 {
  let row_bits = maximum_a(row);
  let col_bits = maximum_b(col);
  let largest = max(row_bits, col_bits);
  if (largest >= 0x7f800000u) {
    return bitcast<f32>(largest | 0x7fc00000u);
  }
  let exponent = exponent_of(row_bits) + exponent_of(col_bits) - 2 * 14;
  let first = clamp(exponent, -126, 127);
  let rest = clamp(exponent - first, -126, 127);
  return sum * bitcast<f32>(u32(first + 127) << 23u) * bitcast<f32>(u32(rest + 127) << 23u);
}

// Writes one result matrix, or adds it to C, element by element. For all subgroups together: it waits.
fn deliver(
  sums: Result,
  more: Result,
  subgroup: u32,
  lane: u32,
  row: u32,
  col: u32,
  product: u32,
  start: u32,
) {
  workgroupBarrier(); // the patches are free
  subgroupMatrixStore<row_major>(&patches[subgroup * PLANES], 0u, sums, N / 4u);
  if (PLANES > 1u) {
    subgroupMatrixStore<row_major>(&patches[subgroup * PLANES + PLANES - 1u], 0u, more, N / 4u);
  }
  workgroupBarrier(); // the patches are filled
  for (var e = lane; e < M * N; e += LANES) {
    let i = row + e / N;
    let j = col + e % N;
    if (i < tile.m && j < tile.n) {
      var sum = patches[subgroup * PLANES][e / 4u][e % 4u];
      if (PLANES > 1u) {
        sum += patches[subgroup * PLANES + PLANES - 1u][e / 4u][e % 4u] / 2048.0;
        let row_line = tile.a_line + product * tile.a_lines + i;
        sum = unscaled(sum, row_line, tile.b_line + product * tile.b_lines + j);
      }
      let at = start + i * tile.c_stride + j;
      if (ACCUMULATE) {
        sum += c[at];
      }
      c[at] = sum;
    }
  }
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

@compute @workgroup_size(THREADS) @subgroup_size(LANES)
fn gemm_matrix(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
  @builtin(subgroup_id) subgroup: u32,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let product = group.z / tile.slices;
  let slice = group.z % tile.slices;
  let a_start = tile.a_base + product * tile.a_batch;
  let b_start = tile.b_base + product * tile.b_batch;
  let c_start = tile.c_base + product * tile.c_batch + slice * tile.c_slice;
  let first = slice * tile.k_slice;
  let end = min(tile.k, first + tile.k_slice);
  let at = place(group, groups);
  let first_row = at.y * HEIGHT;
  let first_col = at.x * WIDTH;
  let subgroup_row = subgroup / SUBGROUPS_N;
  let subgroup_col = subgroup % SUBGROUPS_N;

  // c…: the sums of high·high, or of halves; d…: those of high·low + low·high.
  var c00 = Result();
  var c01 = Result();
  var c02 = Result();
  var c03 = Result();
  var c10 = Result();
  var c11 = Result();
  var c12 = Result();
  var c13 = Result();
  var c20 = Result();
  var c21 = Result();
  var c22 = Result();
  var c23 = Result();
  var c30 = Result();
  var c31 = Result();
  var c32 = Result();
  var c33 = Result();
  var d00 = Result();
  var d01 = Result();
  var d02 = Result();
  var d03 = Result();
  var d10 = Result();
  var d11 = Result();
  var d12 = Result();
  var d13 = Result();
  var d20 = Result();
  var d21 = Result();
  var d22 = Result();
  var d23 = Result();
  var d30 = Result();
  var d31 = Result();
  var d32 = Result();
  var d33 = Result();

  var next_a = array<vec4u, A_LOADS * PLANES>();
  var next_b = array<vec4u, B_LOADS * PLANES>();
  var stage = 0u;
  // One round more than there are steps: each reads the next tile and multiplies the last one.
  for (var step = first; step < end + DEPTH; step += DEPTH) {
    if (step < end) {
      for (var l = 0u; l < A_LOADS; l++) {
        let spot = spot_a(index + l * THREADS) + vec2u(first_row, step);
        let inside = spot.x < tile.m && spot.y < end;
        let element = select(spot.x, spot.y, TRANSPOSE_A) * tile.a_stride;
        let within = select(spot.y, spot.x, TRANSPOSE_A);
        let count = select(end, tile.m, TRANSPOSE_A) - within;
        for (var plane = 0u; plane < PLANES; plane++) {
          next_a[l * PLANES + plane] = vec4u();
          if (inside) {
            next_a[l * PLANES + plane] = octet_a(a_start + element + within, count, plane);
          }
        }
      }
      for (var l = 0u; l < B_LOADS; l++) {
        let spot = spot_b(index + l * THREADS) + vec2u(step, first_col);
        let inside = spot.x < end && spot.y < tile.n;
        let element = select(spot.x, spot.y, TRANSPOSE_B) * tile.b_stride;
        let within = select(spot.y, spot.x, TRANSPOSE_B);
        let count = select(tile.n, end, TRANSPOSE_B) - within;
        for (var plane = 0u; plane < PLANES; plane++) {
          next_b[l * PLANES + plane] = vec4u();
          if (inside) {
            next_b[l * PLANES + plane] = octet_b(b_start + element + within, count, plane);
          }
        }
      }
    }
    if (step > first) {
      for (var s = 0u; s < STEPS; s++) {
        let a_at = stage * PLANES * A_BLOCKS + subgroup_row * ROWS * STEPS + s;
        let b_at = stage * PLANES * B_BLOCKS + subgroup_col * COLS * STEPS + s;
        let a0 = left(a_at);
        let a1 = left(a_at + STEPS);
        var a2 = Left();
        var a3 = Left();
        if (ROWS > 2u) {
          a2 = left(a_at + 2u * STEPS);
          a3 = left(a_at + 3u * STEPS);
        }
        var x0 = Left();
        var x1 = Left();
        var x2 = Left();
        var x3 = Left();
        if (PLANES > 1u) {
          x0 = left(a_at + A_BLOCKS);
          x1 = left(a_at + A_BLOCKS + STEPS);
          if (ROWS > 2u) {
            x2 = left(a_at + A_BLOCKS + 2u * STEPS);
            x3 = left(a_at + A_BLOCKS + 3u * STEPS);
          }
        }
        {
          let high = right(b_at);
          c00 = subgroupMatrixMultiplyAccumulate(a0, high, c00);
          c10 = subgroupMatrixMultiplyAccumulate(a1, high, c10);
          if (ROWS > 2u) {
            c20 = subgroupMatrixMultiplyAccumulate(a2, high, c20);
            c30 = subgroupMatrixMultiplyAccumulate(a3, high, c30);
          }
          if (PLANES > 1u) {
            let low = right(b_at + B_BLOCKS);
            d00 = subgroupMatrixMultiplyAccumulate(a0, low, d00);
            d00 = subgroupMatrixMultiplyAccumulate(x0, high, d00);
            d10 = subgroupMatrixMultiplyAccumulate(a1, low, d10);
            d10 = subgroupMatrixMultiplyAccumulate(x1, high, d10);
            if (ROWS > 2u) {
              d20 = subgroupMatrixMultiplyAccumulate(a2, low, d20);
              d20 = subgroupMatrixMultiplyAccumulate(x2, high, d20);
              d30 = subgroupMatrixMultiplyAccumulate(a3, low, d30);
              d30 = subgroupMatrixMultiplyAccumulate(x3, high, d30);
            }
          }
        }
        {
          let high = right(b_at + STEPS);
          c01 = subgroupMatrixMultiplyAccumulate(a0, high, c01);
          c11 = subgroupMatrixMultiplyAccumulate(a1, high, c11);
          if (ROWS > 2u) {
            c21 = subgroupMatrixMultiplyAccumulate(a2, high, c21);
            c31 = subgroupMatrixMultiplyAccumulate(a3, high, c31);
          }
          if (PLANES > 1u) {
            let low = right(b_at + B_BLOCKS + STEPS);
            d01 = subgroupMatrixMultiplyAccumulate(a0, low, d01);
            d01 = subgroupMatrixMultiplyAccumulate(x0, high, d01);
            d11 = subgroupMatrixMultiplyAccumulate(a1, low, d11);
            d11 = subgroupMatrixMultiplyAccumulate(x1, high, d11);
            if (ROWS > 2u) {
              d21 = subgroupMatrixMultiplyAccumulate(a2, low, d21);
              d21 = subgroupMatrixMultiplyAccumulate(x2, high, d21);
              d31 = subgroupMatrixMultiplyAccumulate(a3, low, d31);
              d31 = subgroupMatrixMultiplyAccumulate(x3, high, d31);
            }
          }
        }
        if (COLS > 2u) {
          let high = right(b_at + 2u * STEPS);
          c02 = subgroupMatrixMultiplyAccumulate(a0, high, c02);
          c12 = subgroupMatrixMultiplyAccumulate(a1, high, c12);
          if (ROWS > 2u) {
            c22 = subgroupMatrixMultiplyAccumulate(a2, high, c22);
            c32 = subgroupMatrixMultiplyAccumulate(a3, high, c32);
          }
          if (PLANES > 1u) {
            let low = right(b_at + B_BLOCKS + 2u * STEPS);
            d02 = subgroupMatrixMultiplyAccumulate(a0, low, d02);
            d02 = subgroupMatrixMultiplyAccumulate(x0, high, d02);
            d12 = subgroupMatrixMultiplyAccumulate(a1, low, d12);
            d12 = subgroupMatrixMultiplyAccumulate(x1, high, d12);
            if (ROWS > 2u) {
              d22 = subgroupMatrixMultiplyAccumulate(a2, low, d22);
              d22 = subgroupMatrixMultiplyAccumulate(x2, high, d22);
              d32 = subgroupMatrixMultiplyAccumulate(a3, low, d32);
              d32 = subgroupMatrixMultiplyAccumulate(x3, high, d32);
            }
          }
        }
        if (COLS > 2u) {
          let high = right(b_at + 3u * STEPS);
          c03 = subgroupMatrixMultiplyAccumulate(a0, high, c03);
          c13 = subgroupMatrixMultiplyAccumulate(a1, high, c13);
          if (ROWS > 2u) {
            c23 = subgroupMatrixMultiplyAccumulate(a2, high, c23);
            c33 = subgroupMatrixMultiplyAccumulate(a3, high, c33);
          }
          if (PLANES > 1u) {
            let low = right(b_at + B_BLOCKS + 3u * STEPS);
            d03 = subgroupMatrixMultiplyAccumulate(a0, low, d03);
            d03 = subgroupMatrixMultiplyAccumulate(x0, high, d03);
            d13 = subgroupMatrixMultiplyAccumulate(a1, low, d13);
            d13 = subgroupMatrixMultiplyAccumulate(x1, high, d13);
            if (ROWS > 2u) {
              d23 = subgroupMatrixMultiplyAccumulate(a2, low, d23);
              d23 = subgroupMatrixMultiplyAccumulate(x2, high, d23);
              d33 = subgroupMatrixMultiplyAccumulate(a3, low, d33);
              d33 = subgroupMatrixMultiplyAccumulate(x3, high, d33);
            }
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
        let slot = index + l * THREADS;
        let spot = spot_a(slot);
        let line = select(spot.x % M, spot.y % K, TRANSPOSE_A);
        let within = select(spot.y % K, spot.x % M, TRANSPOSE_A) / 8u;
        let block = stage * PLANES * A_BLOCKS + spot.x / M * STEPS + spot.y / K;
        if (slot < HEIGHT * DEPTH / 8u) {
          for (var plane = 0u; plane < PLANES; plane++) {
            tile_a[block + plane * A_BLOCKS][line * A_PITCH + within] = next_a[l * PLANES + plane];
          }
        }
      }
      for (var l = 0u; l < B_LOADS; l++) {
        let slot = index + l * THREADS;
        let spot = spot_b(slot);
        let line = select(spot.x % K, spot.y % N, TRANSPOSE_B);
        let within = select(spot.y % N, spot.x % K, TRANSPOSE_B) / 8u;
        let block = stage * PLANES * B_BLOCKS + spot.y / N * STEPS + spot.x / K;
        if (slot < WIDTH * DEPTH / 8u) {
          for (var plane = 0u; plane < PLANES; plane++) {
            tile_b[block + plane * B_BLOCKS][line * B_PITCH + within] = next_b[l * PLANES + plane];
          }
        }
      }
    }
    workgroupBarrier(); // the tile is filled
  }

  let row = first_row + subgroup_row * ROWS * M;
  let col = first_col + subgroup_col * COLS * N;
  // Rows of a matrix that is stored as a whole begin at multiples of 16 bytes: Vulkan demands it.
  let whole = first_row + HEIGHT <= tile.m && first_col + WIDTH <= tile.n;
  if (DIRECT == 1u && !ACCUMULATE && whole && (c_start | tile.c_stride) % 4u == 0u) {
    let corner = c_start + row * tile.c_stride + col;
    let down = M * tile.c_stride;
    store_whole(corner, c00, tile.c_stride);
    store_whole(corner + down, c10, tile.c_stride);
    store_whole(corner + N, c01, tile.c_stride);
    store_whole(corner + down + N, c11, tile.c_stride);
    if (ROWS > 2u) {
      store_whole(corner + 2u * down, c20, tile.c_stride);
      store_whole(corner + 3u * down, c30, tile.c_stride);
      store_whole(corner + 2u * down + N, c21, tile.c_stride);
      store_whole(corner + 3u * down + N, c31, tile.c_stride);
    }
    if (COLS > 2u) {
      store_whole(corner + 2u * N, c02, tile.c_stride);
      store_whole(corner + down + 2u * N, c12, tile.c_stride);
      store_whole(corner + 3u * N, c03, tile.c_stride);
      store_whole(corner + down + 3u * N, c13, tile.c_stride);
      if (ROWS > 2u) {
        store_whole(corner + 2u * down + 2u * N, c22, tile.c_stride);
        store_whole(corner + 3u * down + 2u * N, c32, tile.c_stride);
        store_whole(corner + 2u * down + 3u * N, c23, tile.c_stride);
        store_whole(corner + 3u * down + 3u * N, c33, tile.c_stride);
      }
    }
    return;
  }
  deliver(c00, d00, subgroup, lane, row, col, product, c_start);
  deliver(c10, d10, subgroup, lane, row + M, col, product, c_start);
  deliver(c01, d01, subgroup, lane, row, col + N, product, c_start);
  deliver(c11, d11, subgroup, lane, row + M, col + N, product, c_start);
  if (ROWS > 2u) {
    deliver(c20, d20, subgroup, lane, row + 2u * M, col, product, c_start);
    deliver(c30, d30, subgroup, lane, row + 3u * M, col, product, c_start);
    deliver(c21, d21, subgroup, lane, row + 2u * M, col + N, product, c_start);
    deliver(c31, d31, subgroup, lane, row + 3u * M, col + N, product, c_start);
  }
  if (COLS > 2u) {
    deliver(c02, d02, subgroup, lane, row, col + 2u * N, product, c_start);
    deliver(c12, d12, subgroup, lane, row + M, col + 2u * N, product, c_start);
    deliver(c03, d03, subgroup, lane, row, col + 3u * N, product, c_start);
    deliver(c13, d13, subgroup, lane, row + M, col + 3u * N, product, c_start);
    if (ROWS > 2u) {
      deliver(c22, d22, subgroup, lane, row + 2u * M, col + 2u * N, product, c_start);
      deliver(c32, d32, subgroup, lane, row + 3u * M, col + 2u * N, product, c_start);
      deliver(c23, d23, subgroup, lane, row + 2u * M, col + 3u * N, product, c_start);
      deliver(c33, d33, subgroup, lane, row + 3u * M, col + 3u * N, product, c_start);
    }
  }
}
