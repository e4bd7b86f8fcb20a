alias Elem = vec4f; // the host replaces this line: a type cannot be an override

// y_r = Σ_c w[r, c] · x_c, f32, for up to 16 inputs: a coefficient table applied to blocks. An invocation
// reads one Elem of every input, holds them all in registers, and makes and stores one output after the
// other: every input is read once and every output written once. Everything is written out, since on
// SwiftShader an index that is no constant makes an array live in memory, four lanes one after the other.
// For the same reason the coefficients are read before the loop over the invocation's Elems.
//
// Host contract (src/kernels/combine/combine-plan.ts, combine.ts):
//   Elem            vec4f where all strides, offsets and widths are multiples of four elements, else f32
//   INPUTS          0..16; with 0 the outputs are zero
//   OUTPUTS         1..32; surplus ones repeat the last, weights and place
//   ACCUMULATE      whether the sums are added to what the outputs hold
//   WORKGROUP       invocations of a workgroup
//   STEPS           Elems that an invocation makes, one after the other, WORKGROUP apart
//   dispatch        (ceil(elements / (WORKGROUP · STEPS)), 1, 1)
//   weights         row r: the coefficients of output r; those from INPUTS on are not used
//   x, y            element (i, j) of block b is number at[b] + i·row + j, counting Elems; number e of a
//                   tile is (e / cols, e % cols), and a tile has `elements`
//   step            WORKGROUP = step_rows · cols + step_cols, which saves a division for every Elem
//   shared memory   none
//   edges           invocations past the tile do nothing
//   rounding        one fma (or a product and a sum) after the other in order of c; weights have been
//                   rounded to f32. Over all passes |ŷ - y| ≤ γ_{c+1} Σ|w||x|, γ_n = n·u / (1 - n·u),
//                   u = 2^-24, as long as nothing underflows

override INPUTS: u32 = 16u;
override OUTPUTS: u32 = 32u;
override ACCUMULATE: bool = false;
override WORKGROUP: u32 = 64u;
override STEPS: u32 = 1u;

struct Tile {
  elements: u32,
  cols: u32,
  step_rows: u32,
  step_cols: u32,
  x_row: u32,
  y_row: u32,
  x_at: array<vec4u, 4>,
  y_at: array<vec4u, 8>,
}

// The coefficients of one output: four a vector, in order of the inputs.
struct Row {
  a: vec4f,
  b: vec4f,
  c: vec4f,
  d: vec4f,
}

// One Elem of every input.
struct Column {
  x0: Elem,
  x1: Elem,
  x2: Elem,
  x3: Elem,
  x4: Elem,
  x5: Elem,
  x6: Elem,
  x7: Elem,
  x8: Elem,
  x9: Elem,
  x10: Elem,
  x11: Elem,
  x12: Elem,
  x13: Elem,
  x14: Elem,
  x15: Elem,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<uniform> weights: array<Row, 32>;
@group(0) @binding(2) var<storage, read> x: array<Elem>;
@group(0) @binding(3) var<storage, read_write> y: array<Elem>;

fn weigh(w: Row, column: Column, at: u32) -> Elem {
  var sum = Elem();
  if (ACCUMULATE) { sum = y[at]; }
  if (INPUTS > 0u) { sum = fma(Elem(w.a.x), column.x0, sum); }
  if (INPUTS > 1u) { sum = fma(Elem(w.a.y), column.x1, sum); }
  if (INPUTS > 2u) { sum = fma(Elem(w.a.z), column.x2, sum); }
  if (INPUTS > 3u) { sum = fma(Elem(w.a.w), column.x3, sum); }
  if (INPUTS > 4u) { sum = fma(Elem(w.b.x), column.x4, sum); }
  if (INPUTS > 5u) { sum = fma(Elem(w.b.y), column.x5, sum); }
  if (INPUTS > 6u) { sum = fma(Elem(w.b.z), column.x6, sum); }
  if (INPUTS > 7u) { sum = fma(Elem(w.b.w), column.x7, sum); }
  if (INPUTS > 8u) { sum = fma(Elem(w.c.x), column.x8, sum); }
  if (INPUTS > 9u) { sum = fma(Elem(w.c.y), column.x9, sum); }
  if (INPUTS > 10u) { sum = fma(Elem(w.c.z), column.x10, sum); }
  if (INPUTS > 11u) { sum = fma(Elem(w.c.w), column.x11, sum); }
  if (INPUTS > 12u) { sum = fma(Elem(w.d.x), column.x12, sum); }
  if (INPUTS > 13u) { sum = fma(Elem(w.d.y), column.x13, sum); }
  if (INPUTS > 14u) { sum = fma(Elem(w.d.z), column.x14, sum); }
  if (INPUTS > 15u) { sum = fma(Elem(w.d.w), column.x15, sum); }
  return sum;
}

@compute @workgroup_size(WORKGROUP)
fn combine_few(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let x_at0 = tile.x_at[0];
  let x_at1 = tile.x_at[1];
  let x_at2 = tile.x_at[2];
  let x_at3 = tile.x_at[3];
  let y_at0 = tile.y_at[0];
  let y_at1 = tile.y_at[1];
  let y_at2 = tile.y_at[2];
  let y_at3 = tile.y_at[3];
  let y_at4 = tile.y_at[4];
  let y_at5 = tile.y_at[5];
  let y_at6 = tile.y_at[6];
  let y_at7 = tile.y_at[7];
  var w0: Row;
  var w1: Row;
  var w2: Row;
  var w3: Row;
  var w4: Row;
  var w5: Row;
  var w6: Row;
  var w7: Row;
  var w8: Row;
  var w9: Row;
  var w10: Row;
  var w11: Row;
  var w12: Row;
  var w13: Row;
  var w14: Row;
  var w15: Row;
  var w16: Row;
  var w17: Row;
  var w18: Row;
  var w19: Row;
  var w20: Row;
  var w21: Row;
  var w22: Row;
  var w23: Row;
  var w24: Row;
  var w25: Row;
  var w26: Row;
  var w27: Row;
  var w28: Row;
  var w29: Row;
  var w30: Row;
  var w31: Row;
  if (OUTPUTS > 0u) { w0 = weights[0]; }
  if (OUTPUTS > 1u) { w1 = weights[1]; }
  if (OUTPUTS > 2u) { w2 = weights[2]; }
  if (OUTPUTS > 3u) { w3 = weights[3]; }
  if (OUTPUTS > 4u) { w4 = weights[4]; }
  if (OUTPUTS > 5u) { w5 = weights[5]; }
  if (OUTPUTS > 6u) { w6 = weights[6]; }
  if (OUTPUTS > 7u) { w7 = weights[7]; }
  if (OUTPUTS > 8u) { w8 = weights[8]; }
  if (OUTPUTS > 9u) { w9 = weights[9]; }
  if (OUTPUTS > 10u) { w10 = weights[10]; }
  if (OUTPUTS > 11u) { w11 = weights[11]; }
  if (OUTPUTS > 12u) { w12 = weights[12]; }
  if (OUTPUTS > 13u) { w13 = weights[13]; }
  if (OUTPUTS > 14u) { w14 = weights[14]; }
  if (OUTPUTS > 15u) { w15 = weights[15]; }
  if (OUTPUTS > 16u) { w16 = weights[16]; }
  if (OUTPUTS > 17u) { w17 = weights[17]; }
  if (OUTPUTS > 18u) { w18 = weights[18]; }
  if (OUTPUTS > 19u) { w19 = weights[19]; }
  if (OUTPUTS > 20u) { w20 = weights[20]; }
  if (OUTPUTS > 21u) { w21 = weights[21]; }
  if (OUTPUTS > 22u) { w22 = weights[22]; }
  if (OUTPUTS > 23u) { w23 = weights[23]; }
  if (OUTPUTS > 24u) { w24 = weights[24]; }
  if (OUTPUTS > 25u) { w25 = weights[25]; }
  if (OUTPUTS > 26u) { w26 = weights[26]; }
  if (OUTPUTS > 27u) { w27 = weights[27]; }
  if (OUTPUTS > 28u) { w28 = weights[28]; }
  if (OUTPUTS > 29u) { w29 = weights[29]; }
  if (OUTPUTS > 30u) { w30 = weights[30]; }
  if (OUTPUTS > 31u) { w31 = weights[31]; }

  var element = workgroup.x * STEPS * WORKGROUP + invocation;
  var row = element / tile.cols;
  var col = element % tile.cols;
  for (var step = 0u; step < STEPS; step++) {
    if (element >= tile.elements) { break; }
    let x_element = row * tile.x_row + col;
    let y_element = row * tile.y_row + col;
    var column: Column;
    if (INPUTS > 0u) { column.x0 = x[x_element + x_at0.x]; }
    if (INPUTS > 1u) { column.x1 = x[x_element + x_at0.y]; }
    if (INPUTS > 2u) { column.x2 = x[x_element + x_at0.z]; }
    if (INPUTS > 3u) { column.x3 = x[x_element + x_at0.w]; }
    if (INPUTS > 4u) { column.x4 = x[x_element + x_at1.x]; }
    if (INPUTS > 5u) { column.x5 = x[x_element + x_at1.y]; }
    if (INPUTS > 6u) { column.x6 = x[x_element + x_at1.z]; }
    if (INPUTS > 7u) { column.x7 = x[x_element + x_at1.w]; }
    if (INPUTS > 8u) { column.x8 = x[x_element + x_at2.x]; }
    if (INPUTS > 9u) { column.x9 = x[x_element + x_at2.y]; }
    if (INPUTS > 10u) { column.x10 = x[x_element + x_at2.z]; }
    if (INPUTS > 11u) { column.x11 = x[x_element + x_at2.w]; }
    if (INPUTS > 12u) { column.x12 = x[x_element + x_at3.x]; }
    if (INPUTS > 13u) { column.x13 = x[x_element + x_at3.y]; }
    if (INPUTS > 14u) { column.x14 = x[x_element + x_at3.z]; }
    if (INPUTS > 15u) { column.x15 = x[x_element + x_at3.w]; }
    if (OUTPUTS > 0u) { let at = y_element + y_at0.x; y[at] = weigh(w0, column, at); }
    if (OUTPUTS > 1u) { let at = y_element + y_at0.y; y[at] = weigh(w1, column, at); }
    if (OUTPUTS > 2u) { let at = y_element + y_at0.z; y[at] = weigh(w2, column, at); }
    if (OUTPUTS > 3u) { let at = y_element + y_at0.w; y[at] = weigh(w3, column, at); }
    if (OUTPUTS > 4u) { let at = y_element + y_at1.x; y[at] = weigh(w4, column, at); }
    if (OUTPUTS > 5u) { let at = y_element + y_at1.y; y[at] = weigh(w5, column, at); }
    if (OUTPUTS > 6u) { let at = y_element + y_at1.z; y[at] = weigh(w6, column, at); }
    if (OUTPUTS > 7u) { let at = y_element + y_at1.w; y[at] = weigh(w7, column, at); }
    if (OUTPUTS > 8u) { let at = y_element + y_at2.x; y[at] = weigh(w8, column, at); }
    if (OUTPUTS > 9u) { let at = y_element + y_at2.y; y[at] = weigh(w9, column, at); }
    if (OUTPUTS > 10u) { let at = y_element + y_at2.z; y[at] = weigh(w10, column, at); }
    if (OUTPUTS > 11u) { let at = y_element + y_at2.w; y[at] = weigh(w11, column, at); }
    if (OUTPUTS > 12u) { let at = y_element + y_at3.x; y[at] = weigh(w12, column, at); }
    if (OUTPUTS > 13u) { let at = y_element + y_at3.y; y[at] = weigh(w13, column, at); }
    if (OUTPUTS > 14u) { let at = y_element + y_at3.z; y[at] = weigh(w14, column, at); }
    if (OUTPUTS > 15u) { let at = y_element + y_at3.w; y[at] = weigh(w15, column, at); }
    if (OUTPUTS > 16u) { let at = y_element + y_at4.x; y[at] = weigh(w16, column, at); }
    if (OUTPUTS > 17u) { let at = y_element + y_at4.y; y[at] = weigh(w17, column, at); }
    if (OUTPUTS > 18u) { let at = y_element + y_at4.z; y[at] = weigh(w18, column, at); }
    if (OUTPUTS > 19u) { let at = y_element + y_at4.w; y[at] = weigh(w19, column, at); }
    if (OUTPUTS > 20u) { let at = y_element + y_at5.x; y[at] = weigh(w20, column, at); }
    if (OUTPUTS > 21u) { let at = y_element + y_at5.y; y[at] = weigh(w21, column, at); }
    if (OUTPUTS > 22u) { let at = y_element + y_at5.z; y[at] = weigh(w22, column, at); }
    if (OUTPUTS > 23u) { let at = y_element + y_at5.w; y[at] = weigh(w23, column, at); }
    if (OUTPUTS > 24u) { let at = y_element + y_at6.x; y[at] = weigh(w24, column, at); }
    if (OUTPUTS > 25u) { let at = y_element + y_at6.y; y[at] = weigh(w25, column, at); }
    if (OUTPUTS > 26u) { let at = y_element + y_at6.z; y[at] = weigh(w26, column, at); }
    if (OUTPUTS > 27u) { let at = y_element + y_at6.w; y[at] = weigh(w27, column, at); }
    if (OUTPUTS > 28u) { let at = y_element + y_at7.x; y[at] = weigh(w28, column, at); }
    if (OUTPUTS > 29u) { let at = y_element + y_at7.y; y[at] = weigh(w29, column, at); }
    if (OUTPUTS > 30u) { let at = y_element + y_at7.z; y[at] = weigh(w30, column, at); }
    if (OUTPUTS > 31u) { let at = y_element + y_at7.w; y[at] = weigh(w31, column, at); }
    element += WORKGROUP;
    row += tile.step_rows;
    col += tile.step_cols;
    if (col >= tile.cols) {
      col -= tile.cols;
      row++;
    }
  }
}
