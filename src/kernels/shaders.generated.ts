// Made from shaders/*.wgsl by scripts/embed-shaders.ts: edit those, then `npm run shaders`.

/** `shaders/combine.wgsl` */
export const combineWgsl: string = `alias Elem = vec4f; fn add(w: f32, x: Elem, sum: Elem) -> Elem { return fma(Elem(w), x, sum); } // the host replaces this line: a type cannot be an override

// y_r = Σ_c w[r, c] · x_c, f32: a coefficient table applied to any number of blocks. An invocation keeps a
// sum for every output and reads one Elem of each input after the other: a table of up to 32 rows costs
// one reading of all inputs. The sums are written out, since on SwiftShader an array that a loop indexes
// lives in memory, one lane after the other: this way is about twice as fast there (6 inputs, 8 outputs).
//
// Host contract (src/kernels/combine/combine-plan.ts, combine.ts):
//   Elem            mat2x4f, vec4f or f32: 8, 4 or 1 elements; all strides, offsets and widths are multiples
//                   of that. add(w, x, sum) = w·x + sum
//   OUTPUTS         1..32, sums of an invocation
//   ACCUMULATE      whether the sums are added to what the outputs hold
//   WORKGROUP       invocations of a workgroup
//   STEPS           Elems that an invocation makes, one after the other, WORKGROUP apart
//   dispatch        (ceil(elements / (WORKGROUP · STEPS)), 1, 1)
//   weights         for each input in turn the coefficients of all outputs, filled up to whole vectors
//   x               element (i, j) of the first input is number x_at + i·x_row + j, counting Elems; the next
//                   one lies x_step further, but after x_left inputs, then after every x_cols, x_wrap
//   y               element (i, j) of output r is number y_at[r] + i·y_row + j
//   elements        number e of a tile is (e / cols, e % cols)
//   step            WORKGROUP = step_rows · cols + step_cols, which saves a division for every Elem
//   shared memory   none
//   edges           invocations past the tile do nothing
//   rounding        one fma (or a product and a sum) after the other in order of c; weights have been
//                   rounded to f32. Over all passes |ŷ - y| ≤ γ_{c+1} Σ|w||x|, γ_n = n·u / (1 - n·u),
//                   u = 2^-24, as long as nothing underflows

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
  inputs: u32,
  x_at: u32,
  x_step: u32,
  x_wrap: u32,
  x_cols: u32,
  x_left: u32,
  y_at: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> weights: array<vec4f>;
@group(0) @binding(2) var<storage, read> x: array<Elem>;
@group(0) @binding(3) var<storage, read_write> y: array<Elem>;

@compute @workgroup_size(WORKGROUP)
fn combine(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let y_at0 = tile.y_at[0];
  let y_at1 = tile.y_at[1];
  let y_at2 = tile.y_at[2];
  let y_at3 = tile.y_at[3];
  let y_at4 = tile.y_at[4];
  let y_at5 = tile.y_at[5];
  let y_at6 = tile.y_at[6];
  let y_at7 = tile.y_at[7];

  var element = workgroup.x * STEPS * WORKGROUP + invocation;
  var row = element / tile.cols;
  var col = element % tile.cols;
  for (var step = 0u; step < STEPS; step++) {
    if (element >= tile.elements) { break; }
    let y_element = row * tile.y_row + col;
    var s0 = Elem();
    var s1 = Elem();
    var s2 = Elem();
    var s3 = Elem();
    var s4 = Elem();
    var s5 = Elem();
    var s6 = Elem();
    var s7 = Elem();
    var s8 = Elem();
    var s9 = Elem();
    var s10 = Elem();
    var s11 = Elem();
    var s12 = Elem();
    var s13 = Elem();
    var s14 = Elem();
    var s15 = Elem();
    var s16 = Elem();
    var s17 = Elem();
    var s18 = Elem();
    var s19 = Elem();
    var s20 = Elem();
    var s21 = Elem();
    var s22 = Elem();
    var s23 = Elem();
    var s24 = Elem();
    var s25 = Elem();
    var s26 = Elem();
    var s27 = Elem();
    var s28 = Elem();
    var s29 = Elem();
    var s30 = Elem();
    var s31 = Elem();
    if (ACCUMULATE) {
      if (OUTPUTS > 0u) { s0 = y[y_element + y_at0.x]; }
      if (OUTPUTS > 1u) { s1 = y[y_element + y_at0.y]; }
      if (OUTPUTS > 2u) { s2 = y[y_element + y_at0.z]; }
      if (OUTPUTS > 3u) { s3 = y[y_element + y_at0.w]; }
      if (OUTPUTS > 4u) { s4 = y[y_element + y_at1.x]; }
      if (OUTPUTS > 5u) { s5 = y[y_element + y_at1.y]; }
      if (OUTPUTS > 6u) { s6 = y[y_element + y_at1.z]; }
      if (OUTPUTS > 7u) { s7 = y[y_element + y_at1.w]; }
      if (OUTPUTS > 8u) { s8 = y[y_element + y_at2.x]; }
      if (OUTPUTS > 9u) { s9 = y[y_element + y_at2.y]; }
      if (OUTPUTS > 10u) { s10 = y[y_element + y_at2.z]; }
      if (OUTPUTS > 11u) { s11 = y[y_element + y_at2.w]; }
      if (OUTPUTS > 12u) { s12 = y[y_element + y_at3.x]; }
      if (OUTPUTS > 13u) { s13 = y[y_element + y_at3.y]; }
      if (OUTPUTS > 14u) { s14 = y[y_element + y_at3.z]; }
      if (OUTPUTS > 15u) { s15 = y[y_element + y_at3.w]; }
      if (OUTPUTS > 16u) { s16 = y[y_element + y_at4.x]; }
      if (OUTPUTS > 17u) { s17 = y[y_element + y_at4.y]; }
      if (OUTPUTS > 18u) { s18 = y[y_element + y_at4.z]; }
      if (OUTPUTS > 19u) { s19 = y[y_element + y_at4.w]; }
      if (OUTPUTS > 20u) { s20 = y[y_element + y_at5.x]; }
      if (OUTPUTS > 21u) { s21 = y[y_element + y_at5.y]; }
      if (OUTPUTS > 22u) { s22 = y[y_element + y_at5.z]; }
      if (OUTPUTS > 23u) { s23 = y[y_element + y_at5.w]; }
      if (OUTPUTS > 24u) { s24 = y[y_element + y_at6.x]; }
      if (OUTPUTS > 25u) { s25 = y[y_element + y_at6.y]; }
      if (OUTPUTS > 26u) { s26 = y[y_element + y_at6.z]; }
      if (OUTPUTS > 27u) { s27 = y[y_element + y_at6.w]; }
      if (OUTPUTS > 28u) { s28 = y[y_element + y_at7.x]; }
      if (OUTPUTS > 29u) { s29 = y[y_element + y_at7.y]; }
      if (OUTPUTS > 30u) { s30 = y[y_element + y_at7.z]; }
      if (OUTPUTS > 31u) { s31 = y[y_element + y_at7.w]; }
    }
    var x_at = tile.x_at + row * tile.x_row + col;
    var left = tile.x_left;
    var w_at = 0u;
    for (var c = 0u; c < tile.inputs; c++) {
      let input = x[x_at];
      if (OUTPUTS > 0u) {
        let w = weights[w_at];
        s0 = add(w.x, input, s0);
        if (OUTPUTS > 1u) { s1 = add(w.y, input, s1); }
        if (OUTPUTS > 2u) { s2 = add(w.z, input, s2); }
        if (OUTPUTS > 3u) { s3 = add(w.w, input, s3); }
      }
      if (OUTPUTS > 4u) {
        let w = weights[w_at + 1u];
        s4 = add(w.x, input, s4);
        if (OUTPUTS > 5u) { s5 = add(w.y, input, s5); }
        if (OUTPUTS > 6u) { s6 = add(w.z, input, s6); }
        if (OUTPUTS > 7u) { s7 = add(w.w, input, s7); }
      }
      if (OUTPUTS > 8u) {
        let w = weights[w_at + 2u];
        s8 = add(w.x, input, s8);
        if (OUTPUTS > 9u) { s9 = add(w.y, input, s9); }
        if (OUTPUTS > 10u) { s10 = add(w.z, input, s10); }
        if (OUTPUTS > 11u) { s11 = add(w.w, input, s11); }
      }
      if (OUTPUTS > 12u) {
        let w = weights[w_at + 3u];
        s12 = add(w.x, input, s12);
        if (OUTPUTS > 13u) { s13 = add(w.y, input, s13); }
        if (OUTPUTS > 14u) { s14 = add(w.z, input, s14); }
        if (OUTPUTS > 15u) { s15 = add(w.w, input, s15); }
      }
      if (OUTPUTS > 16u) {
        let w = weights[w_at + 4u];
        s16 = add(w.x, input, s16);
        if (OUTPUTS > 17u) { s17 = add(w.y, input, s17); }
        if (OUTPUTS > 18u) { s18 = add(w.z, input, s18); }
        if (OUTPUTS > 19u) { s19 = add(w.w, input, s19); }
      }
      if (OUTPUTS > 20u) {
        let w = weights[w_at + 5u];
        s20 = add(w.x, input, s20);
        if (OUTPUTS > 21u) { s21 = add(w.y, input, s21); }
        if (OUTPUTS > 22u) { s22 = add(w.z, input, s22); }
        if (OUTPUTS > 23u) { s23 = add(w.w, input, s23); }
      }
      if (OUTPUTS > 24u) {
        let w = weights[w_at + 6u];
        s24 = add(w.x, input, s24);
        if (OUTPUTS > 25u) { s25 = add(w.y, input, s25); }
        if (OUTPUTS > 26u) { s26 = add(w.z, input, s26); }
        if (OUTPUTS > 27u) { s27 = add(w.w, input, s27); }
      }
      if (OUTPUTS > 28u) {
        let w = weights[w_at + 7u];
        s28 = add(w.x, input, s28);
        if (OUTPUTS > 29u) { s29 = add(w.y, input, s29); }
        if (OUTPUTS > 30u) { s30 = add(w.z, input, s30); }
        if (OUTPUTS > 31u) { s31 = add(w.w, input, s31); }
      }
      w_at += (OUTPUTS + 3u) / 4u;
      left--;
      if (left == 0u) {
        x_at += tile.x_wrap;
        left = tile.x_cols;
      } else {
        x_at += tile.x_step;
      }
    }
    if (OUTPUTS > 0u) { y[y_element + y_at0.x] = s0; }
    if (OUTPUTS > 1u) { y[y_element + y_at0.y] = s1; }
    if (OUTPUTS > 2u) { y[y_element + y_at0.z] = s2; }
    if (OUTPUTS > 3u) { y[y_element + y_at0.w] = s3; }
    if (OUTPUTS > 4u) { y[y_element + y_at1.x] = s4; }
    if (OUTPUTS > 5u) { y[y_element + y_at1.y] = s5; }
    if (OUTPUTS > 6u) { y[y_element + y_at1.z] = s6; }
    if (OUTPUTS > 7u) { y[y_element + y_at1.w] = s7; }
    if (OUTPUTS > 8u) { y[y_element + y_at2.x] = s8; }
    if (OUTPUTS > 9u) { y[y_element + y_at2.y] = s9; }
    if (OUTPUTS > 10u) { y[y_element + y_at2.z] = s10; }
    if (OUTPUTS > 11u) { y[y_element + y_at2.w] = s11; }
    if (OUTPUTS > 12u) { y[y_element + y_at3.x] = s12; }
    if (OUTPUTS > 13u) { y[y_element + y_at3.y] = s13; }
    if (OUTPUTS > 14u) { y[y_element + y_at3.z] = s14; }
    if (OUTPUTS > 15u) { y[y_element + y_at3.w] = s15; }
    if (OUTPUTS > 16u) { y[y_element + y_at4.x] = s16; }
    if (OUTPUTS > 17u) { y[y_element + y_at4.y] = s17; }
    if (OUTPUTS > 18u) { y[y_element + y_at4.z] = s18; }
    if (OUTPUTS > 19u) { y[y_element + y_at4.w] = s19; }
    if (OUTPUTS > 20u) { y[y_element + y_at5.x] = s20; }
    if (OUTPUTS > 21u) { y[y_element + y_at5.y] = s21; }
    if (OUTPUTS > 22u) { y[y_element + y_at5.z] = s22; }
    if (OUTPUTS > 23u) { y[y_element + y_at5.w] = s23; }
    if (OUTPUTS > 24u) { y[y_element + y_at6.x] = s24; }
    if (OUTPUTS > 25u) { y[y_element + y_at6.y] = s25; }
    if (OUTPUTS > 26u) { y[y_element + y_at6.z] = s26; }
    if (OUTPUTS > 27u) { y[y_element + y_at6.w] = s27; }
    if (OUTPUTS > 28u) { y[y_element + y_at7.x] = s28; }
    if (OUTPUTS > 29u) { y[y_element + y_at7.y] = s29; }
    if (OUTPUTS > 30u) { y[y_element + y_at7.z] = s30; }
    if (OUTPUTS > 31u) { y[y_element + y_at7.w] = s31; }
    element += WORKGROUP;
    row += tile.step_rows;
    col += tile.step_cols;
    if (col >= tile.cols) {
      col -= tile.cols;
      row++;
    }
  }
}
`;

/** `shaders/combine_few.wgsl` */
export const combineFewWgsl: string = `alias Elem = vec4f; // the host replaces this line: a type cannot be an override

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
//                   tile is (e / cols, e % cols), and a tile has \`elements\`
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
`;

/** `shaders/combine_horner.wgsl` */
export const combineHornerWgsl: string = `alias Elem = vec4f; // the host replaces this line: a type cannot be an override

// y_r = q_r Σ_c p_r^c · X_c by Horner's rule, f32: a Vandermonde table, of which an invocation reads two
// numbers a row before it starts, and none while it goes through the inputs, the highest power first. The
// general kernel reads a coefficient for every input and output instead: this one is 1.0 to 2.4 times as
// fast as that (SwiftShader and lavapipe; 24 inputs to 8 outputs, 16 to 32), but not as fast as
// combine_few.wgsl where a table is small enough for it (6 to 8: 0.7 times).
//
// Host contract (src/kernels/combine/combine-plan.ts, combine.ts):
//   Elem, OUTPUTS, WORKGROUP, STEPS, dispatch, x, y, elements, step: as in combine.wgsl
//   x               steps may be negative, modulo 2^32, to begin with the last input
//   points          p_0 … p_31, then q_0 … q_31; those from OUTPUTS on are not used
//   ACCUMULATE      whether the sums are added to what the outputs hold; q then holds a power of p, too
//   shared memory   none
//   edges           invocations past the tile do nothing
//   rounding        a product and a sum for every input, and the product with q; points have been rounded
//                   to f32. n inputs: |ŷ - y| ≤ γ_{3n+3} |q| Σ |p|^c |X_c|, absent underflow and overflow:
//                   of p^c·X_c up to n roundings are p's, 2n those of Horner's rule, and 3 are q's

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
  inputs: u32,
  x_at: u32,
  x_step: u32,
  x_wrap: u32,
  x_cols: u32,
  x_left: u32,
  y_at: array<vec4u, 8>,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<uniform> points: array<vec4f, 16>;
@group(0) @binding(2) var<storage, read> x: array<Elem>;
@group(0) @binding(3) var<storage, read_write> y: array<Elem>;

fn finish(sum: Elem, at: u32) -> Elem {
  var total = sum;
  if (ACCUMULATE) { total += y[at]; }
  return total;
}

@compute @workgroup_size(WORKGROUP)
fn combine_horner(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(local_invocation_index) invocation: u32,
) {
  let y_at0 = tile.y_at[0];
  let y_at1 = tile.y_at[1];
  let y_at2 = tile.y_at[2];
  let y_at3 = tile.y_at[3];
  let y_at4 = tile.y_at[4];
  let y_at5 = tile.y_at[5];
  let y_at6 = tile.y_at[6];
  let y_at7 = tile.y_at[7];
  let p0 = points[0];
  let p1 = points[1];
  let p2 = points[2];
  let p3 = points[3];
  let p4 = points[4];
  let p5 = points[5];
  let p6 = points[6];
  let p7 = points[7];
  let q0 = points[8];
  let q1 = points[9];
  let q2 = points[10];
  let q3 = points[11];
  let q4 = points[12];
  let q5 = points[13];
  let q6 = points[14];
  let q7 = points[15];

  var element = workgroup.x * STEPS * WORKGROUP + invocation;
  var row = element / tile.cols;
  var col = element % tile.cols;
  for (var step = 0u; step < STEPS; step++) {
    if (element >= tile.elements) { break; }
    let y_element = row * tile.y_row + col;
    var s0 = Elem();
    var s1 = Elem();
    var s2 = Elem();
    var s3 = Elem();
    var s4 = Elem();
    var s5 = Elem();
    var s6 = Elem();
    var s7 = Elem();
    var s8 = Elem();
    var s9 = Elem();
    var s10 = Elem();
    var s11 = Elem();
    var s12 = Elem();
    var s13 = Elem();
    var s14 = Elem();
    var s15 = Elem();
    var s16 = Elem();
    var s17 = Elem();
    var s18 = Elem();
    var s19 = Elem();
    var s20 = Elem();
    var s21 = Elem();
    var s22 = Elem();
    var s23 = Elem();
    var s24 = Elem();
    var s25 = Elem();
    var s26 = Elem();
    var s27 = Elem();
    var s28 = Elem();
    var s29 = Elem();
    var s30 = Elem();
    var s31 = Elem();
    var x_at = tile.x_at + row * tile.x_row + col;
    var left = tile.x_left;
    for (var c = 0u; c < tile.inputs; c++) {
      let input = x[x_at];
      if (OUTPUTS > 0u) { s0 = fma(s0, Elem(p0.x), input); }
      if (OUTPUTS > 1u) { s1 = fma(s1, Elem(p0.y), input); }
      if (OUTPUTS > 2u) { s2 = fma(s2, Elem(p0.z), input); }
      if (OUTPUTS > 3u) { s3 = fma(s3, Elem(p0.w), input); }
      if (OUTPUTS > 4u) { s4 = fma(s4, Elem(p1.x), input); }
      if (OUTPUTS > 5u) { s5 = fma(s5, Elem(p1.y), input); }
      if (OUTPUTS > 6u) { s6 = fma(s6, Elem(p1.z), input); }
      if (OUTPUTS > 7u) { s7 = fma(s7, Elem(p1.w), input); }
      if (OUTPUTS > 8u) { s8 = fma(s8, Elem(p2.x), input); }
      if (OUTPUTS > 9u) { s9 = fma(s9, Elem(p2.y), input); }
      if (OUTPUTS > 10u) { s10 = fma(s10, Elem(p2.z), input); }
      if (OUTPUTS > 11u) { s11 = fma(s11, Elem(p2.w), input); }
      if (OUTPUTS > 12u) { s12 = fma(s12, Elem(p3.x), input); }
      if (OUTPUTS > 13u) { s13 = fma(s13, Elem(p3.y), input); }
      if (OUTPUTS > 14u) { s14 = fma(s14, Elem(p3.z), input); }
      if (OUTPUTS > 15u) { s15 = fma(s15, Elem(p3.w), input); }
      if (OUTPUTS > 16u) { s16 = fma(s16, Elem(p4.x), input); }
      if (OUTPUTS > 17u) { s17 = fma(s17, Elem(p4.y), input); }
      if (OUTPUTS > 18u) { s18 = fma(s18, Elem(p4.z), input); }
      if (OUTPUTS > 19u) { s19 = fma(s19, Elem(p4.w), input); }
      if (OUTPUTS > 20u) { s20 = fma(s20, Elem(p5.x), input); }
      if (OUTPUTS > 21u) { s21 = fma(s21, Elem(p5.y), input); }
      if (OUTPUTS > 22u) { s22 = fma(s22, Elem(p5.z), input); }
      if (OUTPUTS > 23u) { s23 = fma(s23, Elem(p5.w), input); }
      if (OUTPUTS > 24u) { s24 = fma(s24, Elem(p6.x), input); }
      if (OUTPUTS > 25u) { s25 = fma(s25, Elem(p6.y), input); }
      if (OUTPUTS > 26u) { s26 = fma(s26, Elem(p6.z), input); }
      if (OUTPUTS > 27u) { s27 = fma(s27, Elem(p6.w), input); }
      if (OUTPUTS > 28u) { s28 = fma(s28, Elem(p7.x), input); }
      if (OUTPUTS > 29u) { s29 = fma(s29, Elem(p7.y), input); }
      if (OUTPUTS > 30u) { s30 = fma(s30, Elem(p7.z), input); }
      if (OUTPUTS > 31u) { s31 = fma(s31, Elem(p7.w), input); }
      left--;
      if (left == 0u) {
        x_at += tile.x_wrap;
        left = tile.x_cols;
      } else {
        x_at += tile.x_step;
      }
    }
    if (OUTPUTS > 0u) { let at = y_element + y_at0.x; y[at] = finish(s0 * q0.x, at); }
    if (OUTPUTS > 1u) { let at = y_element + y_at0.y; y[at] = finish(s1 * q0.y, at); }
    if (OUTPUTS > 2u) { let at = y_element + y_at0.z; y[at] = finish(s2 * q0.z, at); }
    if (OUTPUTS > 3u) { let at = y_element + y_at0.w; y[at] = finish(s3 * q0.w, at); }
    if (OUTPUTS > 4u) { let at = y_element + y_at1.x; y[at] = finish(s4 * q1.x, at); }
    if (OUTPUTS > 5u) { let at = y_element + y_at1.y; y[at] = finish(s5 * q1.y, at); }
    if (OUTPUTS > 6u) { let at = y_element + y_at1.z; y[at] = finish(s6 * q1.z, at); }
    if (OUTPUTS > 7u) { let at = y_element + y_at1.w; y[at] = finish(s7 * q1.w, at); }
    if (OUTPUTS > 8u) { let at = y_element + y_at2.x; y[at] = finish(s8 * q2.x, at); }
    if (OUTPUTS > 9u) { let at = y_element + y_at2.y; y[at] = finish(s9 * q2.y, at); }
    if (OUTPUTS > 10u) { let at = y_element + y_at2.z; y[at] = finish(s10 * q2.z, at); }
    if (OUTPUTS > 11u) { let at = y_element + y_at2.w; y[at] = finish(s11 * q2.w, at); }
    if (OUTPUTS > 12u) { let at = y_element + y_at3.x; y[at] = finish(s12 * q3.x, at); }
    if (OUTPUTS > 13u) { let at = y_element + y_at3.y; y[at] = finish(s13 * q3.y, at); }
    if (OUTPUTS > 14u) { let at = y_element + y_at3.z; y[at] = finish(s14 * q3.z, at); }
    if (OUTPUTS > 15u) { let at = y_element + y_at3.w; y[at] = finish(s15 * q3.w, at); }
    if (OUTPUTS > 16u) { let at = y_element + y_at4.x; y[at] = finish(s16 * q4.x, at); }
    if (OUTPUTS > 17u) { let at = y_element + y_at4.y; y[at] = finish(s17 * q4.y, at); }
    if (OUTPUTS > 18u) { let at = y_element + y_at4.z; y[at] = finish(s18 * q4.z, at); }
    if (OUTPUTS > 19u) { let at = y_element + y_at4.w; y[at] = finish(s19 * q4.w, at); }
    if (OUTPUTS > 20u) { let at = y_element + y_at5.x; y[at] = finish(s20 * q5.x, at); }
    if (OUTPUTS > 21u) { let at = y_element + y_at5.y; y[at] = finish(s21 * q5.y, at); }
    if (OUTPUTS > 22u) { let at = y_element + y_at5.z; y[at] = finish(s22 * q5.z, at); }
    if (OUTPUTS > 23u) { let at = y_element + y_at5.w; y[at] = finish(s23 * q5.w, at); }
    if (OUTPUTS > 24u) { let at = y_element + y_at6.x; y[at] = finish(s24 * q6.x, at); }
    if (OUTPUTS > 25u) { let at = y_element + y_at6.y; y[at] = finish(s25 * q6.y, at); }
    if (OUTPUTS > 26u) { let at = y_element + y_at6.z; y[at] = finish(s26 * q6.z, at); }
    if (OUTPUTS > 27u) { let at = y_element + y_at6.w; y[at] = finish(s27 * q6.w, at); }
    if (OUTPUTS > 28u) { let at = y_element + y_at7.x; y[at] = finish(s28 * q7.x, at); }
    if (OUTPUTS > 29u) { let at = y_element + y_at7.y; y[at] = finish(s29 * q7.y, at); }
    if (OUTPUTS > 30u) { let at = y_element + y_at7.z; y[at] = finish(s30 * q7.z, at); }
    if (OUTPUTS > 31u) { let at = y_element + y_at7.w; y[at] = finish(s31 * q7.w, at); }
    element += WORKGROUP;
    row += tile.step_rows;
    col += tile.step_cols;
    if (col >= tile.cols) {
      col -= tile.cols;
      row++;
    }
  }
}
`;

/** `shaders/gemm_matrix.wgsl` */
export const gemmMatrixWgsl: string = `enable f16; enable subgroups; enable subgroup_size_control; enable chromium_experimental_subgroup_matrix; const M = 16u; const N = 16u; const K = 16u; const LANES = 32u; const ROWS = 4u; const COLS = 2u; const STEPS = 1u; const A_LOADS = 2u; const B_LOADS = 2u; const SUBGROUPS_M = 2u; const SUBGROUPS_N = 2u; const STAGES = 1u; const PLANES = 1u; alias ElemA = vec4u; const WIDTH_A = 8u; fn words_a(word: ElemA) -> vec4u { return word; } alias ElemB = vec4u; const WIDTH_B = 8u; fn words_b(word: ElemB) -> vec4u { return word; } const DIRECT = 1u; fn store_whole(at: u32, sums: Result, stride: u32) { subgroupMatrixStore<row_major>(&c, at, sums, stride); } fn maximum_a(line: u32) -> u32 { return line; } fn maximum_b(line: u32) -> u32 { return line; } // the host replaces this line

// C = A·B or C += A·B with subgroup matrices (tensor cores): halves times halves, sums in f32, C f32,
// all row-major. A workgroup makes a tile of SUBGROUPS_M·ROWS·M × SUBGROUPS_N·COLS·N elements of C, a
// subgroup ROWS×COLS result matrices of M×N. STEPS·K columns of A and rows of B at a time pass through
// workgroup memory, eight halves a word; the next ones are read into registers while the present ones
// are multiplied. With two planes every element is a pair of halves, high + low/2^11, and three
// products of halves make one of pairs: high·high in one sum, high·low + low·high in another.
//
// Host contract (src/kernels/gemm/gemm-matrix.ts, gemm-plan.ts):
//   M, N, K         the shape of a subgroup matrix, multiples of 8, as in \`subgroupMatrixConfigs\`
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

// The halves at \`at\` and the seven that follow, 0 from the \`count\`-th on.
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

// Where octet \`slot\` of a tile is: row and column of A, row and column of B. Neighbours are
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
`;

/** `shaders/gemm_naive.wgsl` */
export const gemmNaiveWgsl: string = `alias ElemA = vec4f; const WIDTH_A = 4u; fn widen_a(word: ElemA) -> vec4f { return word; } alias ElemB = vec4f; const WIDTH_B = 4u; fn widen_b(word: ElemB) -> vec4f { return word; } alias ElemC = f32; const WIDTH_C = 1u; fn narrow_c(values: vec4f) -> ElemC { return values.x; } // the host replaces this line

// C = A·B or C += A·B, row-major, products and sums in f32. One invocation makes one element of C.
// The reference that faster kernels are tested against.
//
// Host contract (src/kernels/gemm/gemm-naive.ts, gemm-plan.ts):
//   THREADS_M, THREADS_N   invocations of a workgroup along m and n,
//                   THREADS_M·THREADS_N ≤ maxComputeInvocationsPerWorkgroup
//   ElemA, ElemB    a word of A or B as stored: WIDTH elements, which widen_… makes float32
//   ElemC           f32
//   TRANSPOSE_A     A is stored k×m instead of m×k; TRANSPOSE_B: B is stored n×k instead of k×n
//   ACCUMULATE      C += A·B
//   dispatch        (ceil(n / THREADS_N), ceil(m / THREADS_M), products·slices)
//   a, b, c         windows of the operands' buffers; element (i, j) of an operand as stored is
//                   number base + i·stride + j, and that of the next product of a batch is batch
//                   elements further on. Where WIDTH is 4, all of these and the columns as stored
//                   are multiples of 4
//   slices          parts of k: z = product·slices + slice. Slice s sums k_slice·s … of k into a
//                   matrix of its own, c_slice elements after the one before; k_slice is a multiple of 4
//   shared memory   none
//   edges           invocations outside C do nothing
//   rounding        one fma after the other in order of k, from 0, or from C where ACCUMULATE:
//                   |Ĉ - A·B| ≤ γ_k |A||B|, accumulating |Ĉ - (C + A·B)| ≤ γ_{k+1} (|C| + |A||B|),
//                   γ_n = n·u / (1 - n·u), u = 2^-24, fused or not, as long as nothing underflows;
//                   k is the length of a slice

override THREADS_M: u32 = 8u;
override THREADS_N: u32 = 8u;
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

fn load_a(at: u32) -> f32 {
  return widen_a(a[at / WIDTH_A])[at % WIDTH_A];
}

fn load_b(at: u32) -> f32 {
  return widen_b(b[at / WIDTH_B])[at % WIDTH_B];
}

@compute @workgroup_size(THREADS_N, THREADS_M)
fn gemm_naive(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y;
  let col = id.x;
  if (row >= tile.m || col >= tile.n) {
    return;
  }
  let product = id.z / tile.slices;
  let slice = id.z % tile.slices;
  let first = slice * tile.k_slice;
  let end = min(tile.k, first + tile.k_slice);
  // Where the row of A and the column of B begin, and how far their elements are apart.
  let a_step = select(1u, tile.a_stride, TRANSPOSE_A);
  let b_step = select(tile.b_stride, 1u, TRANSPOSE_B);
  var a_at = tile.a_base + product * tile.a_batch + first * a_step;
  var b_at = tile.b_base + product * tile.b_batch + first * b_step;
  a_at += select(row * tile.a_stride, row, TRANSPOSE_A);
  b_at += select(col, col * tile.b_stride, TRANSPOSE_B);
  let c_start = tile.c_base + product * tile.c_batch + slice * tile.c_slice;
  let c_at = c_start + row * tile.c_stride + col;

  var sum = 0.0;
  if (ACCUMULATE) {
    sum = vec4f(c[c_at]).x;
  }
  for (var i = first; i < end; i++) {
    sum = fma(load_a(a_at), load_b(b_at), sum);
    a_at += a_step;
    b_at += b_step;
  }
  c[c_at] = narrow_c(vec4f(sum));
}
`;

/** `shaders/gemm_pack.wgsl` */
export const gemmPackWgsl: string = `// Y = X with rows that begin at multiples of eight elements, f32, and zeros around: a copy of an operand
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

// Four elements of a row that begins at element \`first\` of X, from column \`col\` on; 0 past the last.
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
`;

/** `shaders/gemm_quad.wgsl` */
export const gemmQuadWgsl: string = `enable subgroups; const ROWS = 32u; alias ElemC = vec4f; const WIDTH_C = 4u; fn narrow_c(values: vec4f) -> ElemC { return values; } // the host replaces this line

// C = A·B or C += A·B, row-major, f32, for subgroups of four lanes, which are quads. One subgroup makes
// ROWS × 32 elements of C, eight columns a lane, from eight columns of A and eight rows of B at a time;
// each lane holds every fourth row of A, and a quad broadcast hands its elements to all.
//
// Written for SwiftShader, whose compiler keeps hardly anything in registers and whose loads go lane by
// lane, each with a division where an index is checked. So whole octets are loaded, with one check
// each; sums are written out element by element, which copies least; and a quad broadcast is one
// shuffle where a subgroup broadcast is eight instructions.
//
// Host contract (src/kernels/gemm/gemm-quad.ts, gemm-plan.ts):
//   ROWS            16 or 32
//   ElemC           a word of C: WIDTH_C elements, 4 or 1
//   ACCUMULATE      C += A·B
//   dispatch        (ceil(n / 32), ceil(m / ROWS), products·slices), workgroups of one subgroup
//   a, b, c         windows of the operands' buffers; element (i, j) of an operand is number
//                   base + i·stride + j, and that of the next product of a batch is batch elements further
//                   on. Of A and B all of these are multiples of 8, and zeros follow k up to the next one:
//                   what does not lie so is copied before. Where WIDTH_C is 4, those of C and n are
//                   multiples of 4
//   slices          parts of k: z = product·slices + slice. Slice s sums k_slice·s … of k into a
//                   matrix of its own, c_slice elements after the one before; k_slice is a multiple of 8
//   shared memory   none
//   edges           rows and columns outside are read from the last inside and not stored
//   rounding        one fma after the other in order of k, from 0, or from C where ACCUMULATE:
//                   |Ĉ - A·B| ≤ γ_k |A||B|, accumulating |Ĉ - (C + A·B)| ≤ γ_{k+1} (|C| + |A||B|),
//                   γ_n = n·u / (1 - n·u), u = 2^-24, fused or not, as long as nothing underflows;
//                   k is the length of a slice, without the zeros

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
@group(0) @binding(1) var<storage, read> a: array<mat2x4f>;
@group(0) @binding(2) var<storage, read> b: array<mat2x4f>;
@group(0) @binding(3) var<storage, read_write> c: array<ElemC>;

// Eight rows of B at eight columns.
struct Block {
  b0: mat2x4f,
  b1: mat2x4f,
  b2: mat2x4f,
  b3: mat2x4f,
  b4: mat2x4f,
  b5: mat2x4f,
  b6: mat2x4f,
  b7: mat2x4f,
}

fn dot4(x: vec4f, b0: vec4f, b1: vec4f, b2: vec4f, b3: vec4f, sum: vec4f) -> vec4f {
  return vec4f(
    fma(x.w, b3.x, fma(x.z, b2.x, fma(x.y, b1.x, fma(x.x, b0.x, sum.x)))),
    fma(x.w, b3.y, fma(x.z, b2.y, fma(x.y, b1.y, fma(x.x, b0.y, sum.y)))),
    fma(x.w, b3.z, fma(x.z, b2.z, fma(x.y, b1.z, fma(x.x, b0.z, sum.z)))),
    fma(x.w, b3.w, fma(x.z, b2.w, fma(x.y, b1.w, fma(x.x, b0.w, sum.w)))),
  );
}

// sum + eight columns x, y of a row of A times eight rows of B, in order of k.
fn dot8(x: vec4f, y: vec4f, k: Block, sum: mat2x4f) -> mat2x4f {
  let left = dot4(x, k.b0[0], k.b1[0], k.b2[0], k.b3[0], sum[0]);
  let right = dot4(x, k.b0[1], k.b1[1], k.b2[1], k.b3[1], sum[1]);
  return mat2x4f(
    dot4(y, k.b4[0], k.b5[0], k.b6[0], k.b7[0], left),
    dot4(y, k.b4[1], k.b5[1], k.b6[1], k.b7[1], right),
  );
}

fn load_c(at: u32) -> f32 {
  return vec4f(c[at]).x;
}

// Row \`row\` of C, columns col … col+3.
fn load_quad(start: u32, row: u32, col: u32) -> vec4f {
  if (row >= tile.m || col >= tile.n) {
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

// Row \`row\` of C, columns col … col+7, as the sums begin: 0, or what C holds.
fn begin(start: u32, row: u32, col: u32) -> mat2x4f {
  if (!ACCUMULATE) {
    return mat2x4f();
  }
  return mat2x4f(load_quad(start, row, col), load_quad(start, row, col + 4u));
}

fn store_quad(start: u32, row: u32, col: u32, values: vec4f) {
  if (row >= tile.m || col >= tile.n) {
    return;
  }
  let at = start + row * tile.c_stride + col;
  if (WIDTH_C == 4u) {
    c[at / 4u] = narrow_c(values);
    return;
  }
  c[at] = narrow_c(values.xxxx);
  if (col + 1u < tile.n) {
    c[at + 1u] = narrow_c(values.yyyy);
  }
  if (col + 2u < tile.n) {
    c[at + 2u] = narrow_c(values.zzzz);
  }
  if (col + 3u < tile.n) {
    c[at + 3u] = narrow_c(values.wwww);
  }
}

fn store(start: u32, row: u32, col: u32, values: mat2x4f) {
  store_quad(start, row, col, values[0]);
  store_quad(start, row, col + 4u, values[1]);
}

@compute @workgroup_size(4)
fn gemm_quad(
  @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let product = group.z / tile.slices;
  let slice = group.z % tile.slices;
  let a_start = tile.a_base + product * tile.a_batch;
  let b_start = tile.b_base + product * tile.b_batch;
  let c_start = tile.c_base + product * tile.c_batch + slice * tile.c_slice;
  let first = slice * tile.k_slice;
  let end = (min(tile.k, first + tile.k_slice) + 7u) / 8u;
  let row = group.y * ROWS;
  let col = group.x * 32u + lane * 8u;
  let last = tile.m - 1u;
  let held0 = (a_start + min(row + lane, last) * tile.a_stride) / 8u;
  let held1 = (a_start + min(row + 4u + lane, last) * tile.a_stride) / 8u;
  let held2 = (a_start + min(row + 8u + lane, last) * tile.a_stride) / 8u;
  let held3 = (a_start + min(row + 12u + lane, last) * tile.a_stride) / 8u;
  let held4 = (a_start + min(row + 16u + lane, last) * tile.a_stride) / 8u;
  let held5 = (a_start + min(row + 20u + lane, last) * tile.a_stride) / 8u;
  let held6 = (a_start + min(row + 24u + lane, last) * tile.a_stride) / 8u;
  let held7 = (a_start + min(row + 28u + lane, last) * tile.a_stride) / 8u;
  let step = tile.b_stride / 8u;
  var at = (b_start + first * tile.b_stride + min(col, (tile.n - 1u) & ~7u)) / 8u;

  var c0 = begin(c_start, row, col);
  var c1 = begin(c_start, row + 1u, col);
  var c2 = begin(c_start, row + 2u, col);
  var c3 = begin(c_start, row + 3u, col);
  var c4 = begin(c_start, row + 4u, col);
  var c5 = begin(c_start, row + 5u, col);
  var c6 = begin(c_start, row + 6u, col);
  var c7 = begin(c_start, row + 7u, col);
  var c8 = begin(c_start, row + 8u, col);
  var c9 = begin(c_start, row + 9u, col);
  var c10 = begin(c_start, row + 10u, col);
  var c11 = begin(c_start, row + 11u, col);
  var c12 = begin(c_start, row + 12u, col);
  var c13 = begin(c_start, row + 13u, col);
  var c14 = begin(c_start, row + 14u, col);
  var c15 = begin(c_start, row + 15u, col);
  var c16 = mat2x4f();
  var c17 = mat2x4f();
  var c18 = mat2x4f();
  var c19 = mat2x4f();
  var c20 = mat2x4f();
  var c21 = mat2x4f();
  var c22 = mat2x4f();
  var c23 = mat2x4f();
  var c24 = mat2x4f();
  var c25 = mat2x4f();
  var c26 = mat2x4f();
  var c27 = mat2x4f();
  var c28 = mat2x4f();
  var c29 = mat2x4f();
  var c30 = mat2x4f();
  var c31 = mat2x4f();
  if (ROWS > 16u) {
    c16 = begin(c_start, row + 16u, col);
    c17 = begin(c_start, row + 17u, col);
    c18 = begin(c_start, row + 18u, col);
    c19 = begin(c_start, row + 19u, col);
    c20 = begin(c_start, row + 20u, col);
    c21 = begin(c_start, row + 21u, col);
    c22 = begin(c_start, row + 22u, col);
    c23 = begin(c_start, row + 23u, col);
    c24 = begin(c_start, row + 24u, col);
    c25 = begin(c_start, row + 25u, col);
    c26 = begin(c_start, row + 26u, col);
    c27 = begin(c_start, row + 27u, col);
    c28 = begin(c_start, row + 28u, col);
    c29 = begin(c_start, row + 29u, col);
    c30 = begin(c_start, row + 30u, col);
    c31 = begin(c_start, row + 31u, col);
  }

  for (var i = first / 8u; i < end; i++) {
    let a0 = a[held0 + i];
    let a1 = a[held1 + i];
    let a2 = a[held2 + i];
    let a3 = a[held3 + i];
    var a4 = mat2x4f();
    var a5 = mat2x4f();
    var a6 = mat2x4f();
    var a7 = mat2x4f();
    if (ROWS > 16u) {
      a4 = a[held4 + i];
      a5 = a[held5 + i];
      a6 = a[held6 + i];
      a7 = a[held7 + i];
    }
    let k = Block(
      b[at],
      b[at + step],
      b[at + 2u * step],
      b[at + 3u * step],
      b[at + 4u * step],
      b[at + 5u * step],
      b[at + 6u * step],
      b[at + 7u * step],
    );
    at += 8u * step;
    c0 = dot8(quadBroadcast(a0[0], 0u), quadBroadcast(a0[1], 0u), k, c0);
    c1 = dot8(quadBroadcast(a0[0], 1u), quadBroadcast(a0[1], 1u), k, c1);
    c2 = dot8(quadBroadcast(a0[0], 2u), quadBroadcast(a0[1], 2u), k, c2);
    c3 = dot8(quadBroadcast(a0[0], 3u), quadBroadcast(a0[1], 3u), k, c3);
    c4 = dot8(quadBroadcast(a1[0], 0u), quadBroadcast(a1[1], 0u), k, c4);
    c5 = dot8(quadBroadcast(a1[0], 1u), quadBroadcast(a1[1], 1u), k, c5);
    c6 = dot8(quadBroadcast(a1[0], 2u), quadBroadcast(a1[1], 2u), k, c6);
    c7 = dot8(quadBroadcast(a1[0], 3u), quadBroadcast(a1[1], 3u), k, c7);
    c8 = dot8(quadBroadcast(a2[0], 0u), quadBroadcast(a2[1], 0u), k, c8);
    c9 = dot8(quadBroadcast(a2[0], 1u), quadBroadcast(a2[1], 1u), k, c9);
    c10 = dot8(quadBroadcast(a2[0], 2u), quadBroadcast(a2[1], 2u), k, c10);
    c11 = dot8(quadBroadcast(a2[0], 3u), quadBroadcast(a2[1], 3u), k, c11);
    c12 = dot8(quadBroadcast(a3[0], 0u), quadBroadcast(a3[1], 0u), k, c12);
    c13 = dot8(quadBroadcast(a3[0], 1u), quadBroadcast(a3[1], 1u), k, c13);
    c14 = dot8(quadBroadcast(a3[0], 2u), quadBroadcast(a3[1], 2u), k, c14);
    c15 = dot8(quadBroadcast(a3[0], 3u), quadBroadcast(a3[1], 3u), k, c15);
    if (ROWS > 16u) {
      c16 = dot8(quadBroadcast(a4[0], 0u), quadBroadcast(a4[1], 0u), k, c16);
      c17 = dot8(quadBroadcast(a4[0], 1u), quadBroadcast(a4[1], 1u), k, c17);
      c18 = dot8(quadBroadcast(a4[0], 2u), quadBroadcast(a4[1], 2u), k, c18);
      c19 = dot8(quadBroadcast(a4[0], 3u), quadBroadcast(a4[1], 3u), k, c19);
      c20 = dot8(quadBroadcast(a5[0], 0u), quadBroadcast(a5[1], 0u), k, c20);
      c21 = dot8(quadBroadcast(a5[0], 1u), quadBroadcast(a5[1], 1u), k, c21);
      c22 = dot8(quadBroadcast(a5[0], 2u), quadBroadcast(a5[1], 2u), k, c22);
      c23 = dot8(quadBroadcast(a5[0], 3u), quadBroadcast(a5[1], 3u), k, c23);
      c24 = dot8(quadBroadcast(a6[0], 0u), quadBroadcast(a6[1], 0u), k, c24);
      c25 = dot8(quadBroadcast(a6[0], 1u), quadBroadcast(a6[1], 1u), k, c25);
      c26 = dot8(quadBroadcast(a6[0], 2u), quadBroadcast(a6[1], 2u), k, c26);
      c27 = dot8(quadBroadcast(a6[0], 3u), quadBroadcast(a6[1], 3u), k, c27);
      c28 = dot8(quadBroadcast(a7[0], 0u), quadBroadcast(a7[1], 0u), k, c28);
      c29 = dot8(quadBroadcast(a7[0], 1u), quadBroadcast(a7[1], 1u), k, c29);
      c30 = dot8(quadBroadcast(a7[0], 2u), quadBroadcast(a7[1], 2u), k, c30);
      c31 = dot8(quadBroadcast(a7[0], 3u), quadBroadcast(a7[1], 3u), k, c31);
    }
  }

  store(c_start, row, col, c0);
  store(c_start, row + 1u, col, c1);
  store(c_start, row + 2u, col, c2);
  store(c_start, row + 3u, col, c3);
  store(c_start, row + 4u, col, c4);
  store(c_start, row + 5u, col, c5);
  store(c_start, row + 6u, col, c6);
  store(c_start, row + 7u, col, c7);
  store(c_start, row + 8u, col, c8);
  store(c_start, row + 9u, col, c9);
  store(c_start, row + 10u, col, c10);
  store(c_start, row + 11u, col, c11);
  store(c_start, row + 12u, col, c12);
  store(c_start, row + 13u, col, c13);
  store(c_start, row + 14u, col, c14);
  store(c_start, row + 15u, col, c15);
  if (ROWS > 16u) {
    store(c_start, row + 16u, col, c16);
    store(c_start, row + 17u, col, c17);
    store(c_start, row + 18u, col, c18);
    store(c_start, row + 19u, col, c19);
    store(c_start, row + 20u, col, c20);
    store(c_start, row + 21u, col, c21);
    store(c_start, row + 22u, col, c22);
    store(c_start, row + 23u, col, c23);
    store(c_start, row + 24u, col, c24);
    store(c_start, row + 25u, col, c25);
    store(c_start, row + 26u, col, c26);
    store(c_start, row + 27u, col, c27);
    store(c_start, row + 28u, col, c28);
    store(c_start, row + 29u, col, c29);
    store(c_start, row + 30u, col, c30);
    store(c_start, row + 31u, col, c31);
  }
}
`;

/** `shaders/gemm_quad_strip.wgsl` */
export const gemmQuadStripWgsl: string = `enable subgroups; const ROWS = 32u; alias Sum = f32; const WIDTH = 1u; fn narrow(values: vec4f) -> Sum { return values.x; } // the host replaces this line

// The last few columns of C = A·B or C += A·B, where 32 of them, as gemm_quad.wgsl makes, would be mostly
// waste: one subgroup of four lanes makes ROWS × 4·WIDTH elements of C, WIDTH columns a lane.
//
// Host contract (src/kernels/gemm/gemm-quad.ts, gemm-plan.ts): that of gemm_quad.wgsl, but for
//   Sum             a word of B and of the sums: WIDTH elements, f32 or vec4f, which narrow gives of four
//   dispatch        (1, ceil(m / ROWS), products·slices): n is at most 4·WIDTH
//   c               element by element
//   rounding        the same sums in the same order

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
@group(0) @binding(1) var<storage, read> a: array<mat2x4f>;
@group(0) @binding(2) var<storage, read> b: array<Sum>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

// Eight rows of B at this lane's columns.
struct Block {
  b0: Sum,
  b1: Sum,
  b2: Sum,
  b3: Sum,
  b4: Sum,
  b5: Sum,
  b6: Sum,
  b7: Sum,
}

// sum + eight columns x, y of a row of A times eight rows of B, in order of k.
fn dot8(x: vec4f, y: vec4f, k: Block, sum: Sum) -> Sum {
  let left = fma(Sum(x.y), k.b1, fma(Sum(x.x), k.b0, sum));
  let half = fma(Sum(x.w), k.b3, fma(Sum(x.z), k.b2, left));
  let right = fma(Sum(y.y), k.b5, fma(Sum(y.x), k.b4, half));
  return fma(Sum(y.w), k.b7, fma(Sum(y.z), k.b6, right));
}

// Row \`row\` of C at this lane's columns, as the sums begin: 0, or what C holds.
fn begin(start: u32, row: u32, col: u32) -> Sum {
  if (!ACCUMULATE || row >= tile.m || col >= tile.n) {
    return Sum();
  }
  let first = start + row * tile.c_stride;
  let last = first + tile.n - 1u;
  let at = first + col;
  let values = vec4f(
    c[at],
    c[min(at + 1u, last)],
    c[min(at + 2u, last)],
    c[min(at + 3u, last)],
  );
  return narrow(values);
}

fn store(start: u32, row: u32, col: u32, sum: Sum) {
  if (row >= tile.m || col >= tile.n) {
    return;
  }
  let values = vec4f(sum);
  let at = start + row * tile.c_stride + col;
  c[at] = values.x;
  if (WIDTH > 1u && col + 1u < tile.n) {
    c[at + 1u] = values.y;
  }
  if (WIDTH > 2u && col + 2u < tile.n) {
    c[at + 2u] = values.z;
  }
  if (WIDTH > 3u && col + 3u < tile.n) {
    c[at + 3u] = values.w;
  }
}

@compute @workgroup_size(4)
fn gemm_quad_strip(
  @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let product = group.z / tile.slices;
  let slice = group.z % tile.slices;
  let a_start = tile.a_base + product * tile.a_batch;
  let b_start = tile.b_base + product * tile.b_batch;
  let c_start = tile.c_base + product * tile.c_batch + slice * tile.c_slice;
  let first = slice * tile.k_slice;
  let end = (min(tile.k, first + tile.k_slice) + 7u) / 8u;
  let row = group.y * ROWS;
  let col = lane * WIDTH;
  let last = tile.m - 1u;
  let held0 = (a_start + min(row + lane, last) * tile.a_stride) / 8u;
  let held1 = (a_start + min(row + 4u + lane, last) * tile.a_stride) / 8u;
  let held2 = (a_start + min(row + 8u + lane, last) * tile.a_stride) / 8u;
  let held3 = (a_start + min(row + 12u + lane, last) * tile.a_stride) / 8u;
  let held4 = (a_start + min(row + 16u + lane, last) * tile.a_stride) / 8u;
  let held5 = (a_start + min(row + 20u + lane, last) * tile.a_stride) / 8u;
  let held6 = (a_start + min(row + 24u + lane, last) * tile.a_stride) / 8u;
  let held7 = (a_start + min(row + 28u + lane, last) * tile.a_stride) / 8u;
  let step = tile.b_stride / WIDTH;
  var at = (b_start + first * tile.b_stride + min(col, (tile.n - 1u) / WIDTH * WIDTH)) / WIDTH;

  var c0 = begin(c_start, row, col);
  var c1 = begin(c_start, row + 1u, col);
  var c2 = begin(c_start, row + 2u, col);
  var c3 = begin(c_start, row + 3u, col);
  var c4 = begin(c_start, row + 4u, col);
  var c5 = begin(c_start, row + 5u, col);
  var c6 = begin(c_start, row + 6u, col);
  var c7 = begin(c_start, row + 7u, col);
  var c8 = begin(c_start, row + 8u, col);
  var c9 = begin(c_start, row + 9u, col);
  var c10 = begin(c_start, row + 10u, col);
  var c11 = begin(c_start, row + 11u, col);
  var c12 = begin(c_start, row + 12u, col);
  var c13 = begin(c_start, row + 13u, col);
  var c14 = begin(c_start, row + 14u, col);
  var c15 = begin(c_start, row + 15u, col);
  var c16 = Sum();
  var c17 = Sum();
  var c18 = Sum();
  var c19 = Sum();
  var c20 = Sum();
  var c21 = Sum();
  var c22 = Sum();
  var c23 = Sum();
  var c24 = Sum();
  var c25 = Sum();
  var c26 = Sum();
  var c27 = Sum();
  var c28 = Sum();
  var c29 = Sum();
  var c30 = Sum();
  var c31 = Sum();
  if (ROWS > 16u) {
    c16 = begin(c_start, row + 16u, col);
    c17 = begin(c_start, row + 17u, col);
    c18 = begin(c_start, row + 18u, col);
    c19 = begin(c_start, row + 19u, col);
    c20 = begin(c_start, row + 20u, col);
    c21 = begin(c_start, row + 21u, col);
    c22 = begin(c_start, row + 22u, col);
    c23 = begin(c_start, row + 23u, col);
    c24 = begin(c_start, row + 24u, col);
    c25 = begin(c_start, row + 25u, col);
    c26 = begin(c_start, row + 26u, col);
    c27 = begin(c_start, row + 27u, col);
    c28 = begin(c_start, row + 28u, col);
    c29 = begin(c_start, row + 29u, col);
    c30 = begin(c_start, row + 30u, col);
    c31 = begin(c_start, row + 31u, col);
  }

  for (var i = first / 8u; i < end; i++) {
    let a0 = a[held0 + i];
    let a1 = a[held1 + i];
    let a2 = a[held2 + i];
    let a3 = a[held3 + i];
    var a4 = mat2x4f();
    var a5 = mat2x4f();
    var a6 = mat2x4f();
    var a7 = mat2x4f();
    if (ROWS > 16u) {
      a4 = a[held4 + i];
      a5 = a[held5 + i];
      a6 = a[held6 + i];
      a7 = a[held7 + i];
    }
    let k = Block(
      b[at],
      b[at + step],
      b[at + 2u * step],
      b[at + 3u * step],
      b[at + 4u * step],
      b[at + 5u * step],
      b[at + 6u * step],
      b[at + 7u * step],
    );
    at += 8u * step;
    c0 = dot8(quadBroadcast(a0[0], 0u), quadBroadcast(a0[1], 0u), k, c0);
    c1 = dot8(quadBroadcast(a0[0], 1u), quadBroadcast(a0[1], 1u), k, c1);
    c2 = dot8(quadBroadcast(a0[0], 2u), quadBroadcast(a0[1], 2u), k, c2);
    c3 = dot8(quadBroadcast(a0[0], 3u), quadBroadcast(a0[1], 3u), k, c3);
    c4 = dot8(quadBroadcast(a1[0], 0u), quadBroadcast(a1[1], 0u), k, c4);
    c5 = dot8(quadBroadcast(a1[0], 1u), quadBroadcast(a1[1], 1u), k, c5);
    c6 = dot8(quadBroadcast(a1[0], 2u), quadBroadcast(a1[1], 2u), k, c6);
    c7 = dot8(quadBroadcast(a1[0], 3u), quadBroadcast(a1[1], 3u), k, c7);
    c8 = dot8(quadBroadcast(a2[0], 0u), quadBroadcast(a2[1], 0u), k, c8);
    c9 = dot8(quadBroadcast(a2[0], 1u), quadBroadcast(a2[1], 1u), k, c9);
    c10 = dot8(quadBroadcast(a2[0], 2u), quadBroadcast(a2[1], 2u), k, c10);
    c11 = dot8(quadBroadcast(a2[0], 3u), quadBroadcast(a2[1], 3u), k, c11);
    c12 = dot8(quadBroadcast(a3[0], 0u), quadBroadcast(a3[1], 0u), k, c12);
    c13 = dot8(quadBroadcast(a3[0], 1u), quadBroadcast(a3[1], 1u), k, c13);
    c14 = dot8(quadBroadcast(a3[0], 2u), quadBroadcast(a3[1], 2u), k, c14);
    c15 = dot8(quadBroadcast(a3[0], 3u), quadBroadcast(a3[1], 3u), k, c15);
    if (ROWS > 16u) {
      c16 = dot8(quadBroadcast(a4[0], 0u), quadBroadcast(a4[1], 0u), k, c16);
      c17 = dot8(quadBroadcast(a4[0], 1u), quadBroadcast(a4[1], 1u), k, c17);
      c18 = dot8(quadBroadcast(a4[0], 2u), quadBroadcast(a4[1], 2u), k, c18);
      c19 = dot8(quadBroadcast(a4[0], 3u), quadBroadcast(a4[1], 3u), k, c19);
      c20 = dot8(quadBroadcast(a5[0], 0u), quadBroadcast(a5[1], 0u), k, c20);
      c21 = dot8(quadBroadcast(a5[0], 1u), quadBroadcast(a5[1], 1u), k, c21);
      c22 = dot8(quadBroadcast(a5[0], 2u), quadBroadcast(a5[1], 2u), k, c22);
      c23 = dot8(quadBroadcast(a5[0], 3u), quadBroadcast(a5[1], 3u), k, c23);
      c24 = dot8(quadBroadcast(a6[0], 0u), quadBroadcast(a6[1], 0u), k, c24);
      c25 = dot8(quadBroadcast(a6[0], 1u), quadBroadcast(a6[1], 1u), k, c25);
      c26 = dot8(quadBroadcast(a6[0], 2u), quadBroadcast(a6[1], 2u), k, c26);
      c27 = dot8(quadBroadcast(a6[0], 3u), quadBroadcast(a6[1], 3u), k, c27);
      c28 = dot8(quadBroadcast(a7[0], 0u), quadBroadcast(a7[1], 0u), k, c28);
      c29 = dot8(quadBroadcast(a7[0], 1u), quadBroadcast(a7[1], 1u), k, c29);
      c30 = dot8(quadBroadcast(a7[0], 2u), quadBroadcast(a7[1], 2u), k, c30);
      c31 = dot8(quadBroadcast(a7[0], 3u), quadBroadcast(a7[1], 3u), k, c31);
    }
  }

  store(c_start, row, col, c0);
  store(c_start, row + 1u, col, c1);
  store(c_start, row + 2u, col, c2);
  store(c_start, row + 3u, col, c3);
  store(c_start, row + 4u, col, c4);
  store(c_start, row + 5u, col, c5);
  store(c_start, row + 6u, col, c6);
  store(c_start, row + 7u, col, c7);
  store(c_start, row + 8u, col, c8);
  store(c_start, row + 9u, col, c9);
  store(c_start, row + 10u, col, c10);
  store(c_start, row + 11u, col, c11);
  store(c_start, row + 12u, col, c12);
  store(c_start, row + 13u, col, c13);
  store(c_start, row + 14u, col, c14);
  store(c_start, row + 15u, col, c15);
  if (ROWS > 16u) {
    store(c_start, row + 16u, col, c16);
    store(c_start, row + 17u, col, c17);
    store(c_start, row + 18u, col, c18);
    store(c_start, row + 19u, col, c19);
    store(c_start, row + 20u, col, c20);
    store(c_start, row + 21u, col, c21);
    store(c_start, row + 22u, col, c22);
    store(c_start, row + 23u, col, c23);
    store(c_start, row + 24u, col, c24);
    store(c_start, row + 25u, col, c25);
    store(c_start, row + 26u, col, c26);
    store(c_start, row + 27u, col, c27);
    store(c_start, row + 28u, col, c28);
    store(c_start, row + 29u, col, c29);
    store(c_start, row + 30u, col, c30);
    store(c_start, row + 31u, col, c31);
  }
}
`;

/** `shaders/gemm_reduce.wgsl` */
export const gemmReduceWgsl: string = `// C = Σ_s X_s or C += Σ_s X_s, f32: the slices of a product whose inner dimension was cut, added up in
// one fixed order, so that the same inputs give the same bits. One invocation makes one element.
//
// Host contract (src/kernels/gemm/gemm-reduce.ts, gemm-plan.ts):
//   WORKGROUP       invocations of a workgroup, along n
//   dispatch        (ceil(n / WORKGROUP), m, products)
//   x               slice s of product p begins at element x_base + p·x_batch + s·x_slice, rows
//                   x_stride apart
//   c               product p begins at element c_base + p·c_batch, rows c_stride apart
//   shared memory   none
//   edges           invocations outside C do nothing
//   rounding        slices - 1 additions an element, one more where accumulate ≠ 0

override WORKGROUP: u32 = 64u;

struct Tile {
  n: u32,
  slices: u32,
  accumulate: u32,
  x_base: u32,
  x_stride: u32,
  x_slice: u32,
  x_batch: u32,
  c_base: u32,
  c_stride: u32,
  c_batch: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn gemm_reduce(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= tile.n) {
    return;
  }
  var x_at = tile.x_base + id.z * tile.x_batch + id.y * tile.x_stride + id.x;
  let c_at = tile.c_base + id.z * tile.c_batch + id.y * tile.c_stride + id.x;
  var sum = x[x_at];
  for (var s = 1u; s < tile.slices; s++) {
    x_at += tile.x_slice;
    sum += x[x_at];
  }
  if (tile.accumulate != 0u) {
    sum += c[c_at];
  }
  c[c_at] = sum;
}
`;

/** `shaders/gemm_register.wgsl` */
export const gemmRegisterWgsl: string = `const ROWS = 8u; const QUADS = 2u; alias ElemA = vec4f; const WIDTH_A = 4u; fn widen_a(word: ElemA) -> vec4f { return word; } alias ElemB = vec4f; const WIDTH_B = 4u; fn widen_b(word: ElemB) -> vec4f { return word; } alias ElemC = vec4f; const WIDTH_C = 4u; fn narrow_c(values: vec4f) -> ElemC { return values; } // the host replaces this line

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

// Row \`row\` of A, columns i … i+3; 0 from column \`end\` on. An aligned row ends at a multiple of four,
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

// Rows i … i+3 of B, columns col … col+3, a row a column of the matrix; 0 from row \`end\` on. What
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

// Columns col … col+3 of a row that begins at element \`at\`.
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

// Row \`row\` of C, columns col … col+3, as the sums begin: 0, or what C holds.
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
`;

/** `shaders/gemm_subgroup.wgsl` */
export const gemmSubgroupWgsl: string = `enable subgroups; const LANES = 8u; const ROWS = 16u; const QUADS = 1u; alias ElemA = vec4f; const WIDTH_A = 4u; fn widen_a(word: ElemA) -> vec4f { return word; } alias ElemB = vec4f; const WIDTH_B = 4u; fn widen_b(word: ElemB) -> vec4f { return word; } alias ElemC = vec4f; const WIDTH_C = 4u; fn narrow_c(values: vec4f) -> ElemC { return values; } // the host replaces this line

// C = A·B or C += A·B, row-major, products and sums in f32. One subgroup makes ROWS × 4·QUADS·LANES
// elements of C and uses no workgroup memory: each lane holds one row of A at four columns (or two
// or four rows, where ROWS exceeds LANES), each row is broadcast to all lanes, and each lane
// multiplies it with its own columns of B.
//
// Host contract (src/kernels/gemm/gemm-subgroup.ts, gemm-plan.ts):
//   LANES           the size of every subgroup of the device: 4, 8, 16 or 32. A workgroup is one
//                   subgroup, so that nothing depends on how invocations are put into subgroups
//   ROWS            8 or 16, at most 4·LANES; QUADS: 1 or 2
//   ElemA, ElemB    a word of A or B as stored: WIDTH elements, which widen_… makes float32
//   ElemC           a word of C: WIDTH_C elements, 4 or 1
//   TRANSPOSE_A     A is stored k×m instead of m×k; TRANSPOSE_B: B is stored n×k instead of k×n
//   ACCUMULATE      C += A·B
//   WHOLE_QUADS_OF_K   k is a multiple of 4, or zeros follow B up to the next one
//   dispatch        (ceil(n / (4·QUADS·LANES)), ceil(m / ROWS), products·slices)
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

// Row \`row\` of A, columns i … i+3; 0 from column \`end\` on. An aligned row ends at a multiple of four,
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

// Rows i … i+3 of B, columns col … col+3, a row a column of the matrix; 0 from row \`end\` on. What
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

// Columns col … col+3 of a row that begins at element \`at\`.
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

// Row \`row\` of C, columns col … col+3, as the sums begin: 0, or what C holds.
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

// The quad that belongs to \`index\`, a constant wherever this is called.
fn held(a0: vec4f, a1: vec4f, a2: vec4f, a3: vec4f, index: u32) -> vec4f {
  if (index == 0u) {
    return a0;
  }
  if (index == 1u) {
    return a1;
  }
  return select(a3, a2, index == 2u);
}

@compute @workgroup_size(LANES)
fn gemm_subgroup(
  @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let product = group.z / tile.slices;
  let slice = group.z % tile.slices;
  let a_start = tile.a_base + product * tile.a_batch;
  let b_start = tile.b_base + product * tile.b_batch;
  let c_start = tile.c_base + product * tile.c_batch + slice * tile.c_slice;
  let end = min(tile.k, (slice + 1u) * tile.k_slice);
  let row = group.y * ROWS;
  let col = (group.x * LANES + lane) * 4u * QUADS;
  // Rows of A that this lane holds.
  let last = tile.m - 1u;
  let held0 = min(row + lane, last);
  let held1 = min(row + LANES + lane, last);
  let held2 = min(row + 2u * LANES + lane, last);
  let held3 = min(row + 3u * LANES + lane, last);

  var c0 = begin(c_start, row, col);
  var c1 = begin(c_start, row + 1u, col);
  var c2 = begin(c_start, row + 2u, col);
  var c3 = begin(c_start, row + 3u, col);
  var c4 = begin(c_start, row + 4u, col);
  var c5 = begin(c_start, row + 5u, col);
  var c6 = begin(c_start, row + 6u, col);
  var c7 = begin(c_start, row + 7u, col);
  var c8 = begin(c_start, row + 8u, col);
  var c9 = begin(c_start, row + 9u, col);
  var c10 = begin(c_start, row + 10u, col);
  var c11 = begin(c_start, row + 11u, col);
  var c12 = begin(c_start, row + 12u, col);
  var c13 = begin(c_start, row + 13u, col);
  var c14 = begin(c_start, row + 14u, col);
  var c15 = begin(c_start, row + 15u, col);
  var d0 = vec4f();
  var d1 = vec4f();
  var d2 = vec4f();
  var d3 = vec4f();
  var d4 = vec4f();
  var d5 = vec4f();
  var d6 = vec4f();
  var d7 = vec4f();
  var d8 = vec4f();
  var d9 = vec4f();
  var d10 = vec4f();
  var d11 = vec4f();
  var d12 = vec4f();
  var d13 = vec4f();
  var d14 = vec4f();
  var d15 = vec4f();
  if (QUADS > 1u) {
    d0 = begin(c_start, row, col + 4u);
    d1 = begin(c_start, row + 1u, col + 4u);
    d2 = begin(c_start, row + 2u, col + 4u);
    d3 = begin(c_start, row + 3u, col + 4u);
    d4 = begin(c_start, row + 4u, col + 4u);
    d5 = begin(c_start, row + 5u, col + 4u);
    d6 = begin(c_start, row + 6u, col + 4u);
    d7 = begin(c_start, row + 7u, col + 4u);
    d8 = begin(c_start, row + 8u, col + 4u);
    d9 = begin(c_start, row + 9u, col + 4u);
    d10 = begin(c_start, row + 10u, col + 4u);
    d11 = begin(c_start, row + 11u, col + 4u);
    d12 = begin(c_start, row + 12u, col + 4u);
    d13 = begin(c_start, row + 13u, col + 4u);
    d14 = begin(c_start, row + 14u, col + 4u);
    d15 = begin(c_start, row + 15u, col + 4u);
  }

  for (var i = slice * tile.k_slice; i < end; i += 4u) {
    let a0 = load_a4(a_start, held0, i, end);
    var a1 = vec4f();
    var a2 = vec4f();
    var a3 = vec4f();
    if (ROWS > LANES) {
      a1 = load_a4(a_start, held1, i, end);
    }
    if (ROWS > 2u * LANES) {
      a2 = load_a4(a_start, held2, i, end);
      a3 = load_a4(a_start, held3, i, end);
    }
    let lines = load_b4x4(b_start, i, col, end);
    var more = mat4x4f();
    if (QUADS > 1u) {
      more = load_b4x4(b_start, i, col + 4u, end);
    }
    {
      let quad = subgroupBroadcast(a0, 0u % LANES);
      c0 = dot4(quad, lines, c0);
      if (QUADS > 1u) {
        d0 = dot4(quad, more, d0);
      }
    }
    {
      let quad = subgroupBroadcast(a0, 1u % LANES);
      c1 = dot4(quad, lines, c1);
      if (QUADS > 1u) {
        d1 = dot4(quad, more, d1);
      }
    }
    {
      let quad = subgroupBroadcast(a0, 2u % LANES);
      c2 = dot4(quad, lines, c2);
      if (QUADS > 1u) {
        d2 = dot4(quad, more, d2);
      }
    }
    {
      let quad = subgroupBroadcast(a0, 3u % LANES);
      c3 = dot4(quad, lines, c3);
      if (QUADS > 1u) {
        d3 = dot4(quad, more, d3);
      }
    }
    {
      let quad = subgroupBroadcast(held(a0, a1, a2, a3, 4u / LANES), 4u % LANES);
      c4 = dot4(quad, lines, c4);
      if (QUADS > 1u) {
        d4 = dot4(quad, more, d4);
      }
    }
    {
      let quad = subgroupBroadcast(held(a0, a1, a2, a3, 5u / LANES), 5u % LANES);
      c5 = dot4(quad, lines, c5);
      if (QUADS > 1u) {
        d5 = dot4(quad, more, d5);
      }
    }
    {
      let quad = subgroupBroadcast(held(a0, a1, a2, a3, 6u / LANES), 6u % LANES);
      c6 = dot4(quad, lines, c6);
      if (QUADS > 1u) {
        d6 = dot4(quad, more, d6);
      }
    }
    {
      let quad = subgroupBroadcast(held(a0, a1, a2, a3, 7u / LANES), 7u % LANES);
      c7 = dot4(quad, lines, c7);
      if (QUADS > 1u) {
        d7 = dot4(quad, more, d7);
      }
    }
    if (ROWS > 8u) {
      let quad = subgroupBroadcast(held(a0, a1, a2, a3, 8u / LANES), 8u % LANES);
      c8 = dot4(quad, lines, c8);
      if (QUADS > 1u) {
        d8 = dot4(quad, more, d8);
      }
    }
    if (ROWS > 9u) {
      let quad = subgroupBroadcast(held(a0, a1, a2, a3, 9u / LANES), 9u % LANES);
      c9 = dot4(quad, lines, c9);
      if (QUADS > 1u) {
        d9 = dot4(quad, more, d9);
      }
    }
    if (ROWS > 10u) {
      let quad = subgroupBroadcast(held(a0, a1, a2, a3, 10u / LANES), 10u % LANES);
      c10 = dot4(quad, lines, c10);
      if (QUADS > 1u) {
        d10 = dot4(quad, more, d10);
      }
    }
    if (ROWS > 11u) {
      let quad = subgroupBroadcast(held(a0, a1, a2, a3, 11u / LANES), 11u % LANES);
      c11 = dot4(quad, lines, c11);
      if (QUADS > 1u) {
        d11 = dot4(quad, more, d11);
      }
    }
    if (ROWS > 12u) {
      let quad = subgroupBroadcast(held(a0, a1, a2, a3, 12u / LANES), 12u % LANES);
      c12 = dot4(quad, lines, c12);
      if (QUADS > 1u) {
        d12 = dot4(quad, more, d12);
      }
    }
    if (ROWS > 13u) {
      let quad = subgroupBroadcast(held(a0, a1, a2, a3, 13u / LANES), 13u % LANES);
      c13 = dot4(quad, lines, c13);
      if (QUADS > 1u) {
        d13 = dot4(quad, more, d13);
      }
    }
    if (ROWS > 14u) {
      let quad = subgroupBroadcast(held(a0, a1, a2, a3, 14u / LANES), 14u % LANES);
      c14 = dot4(quad, lines, c14);
      if (QUADS > 1u) {
        d14 = dot4(quad, more, d14);
      }
    }
    if (ROWS > 15u) {
      let quad = subgroupBroadcast(held(a0, a1, a2, a3, 15u / LANES), 15u % LANES);
      c15 = dot4(quad, lines, c15);
      if (QUADS > 1u) {
        d15 = dot4(quad, more, d15);
      }
    }
  }

  store(c_start, row, col, c0);
  store(c_start, row + 1u, col, c1);
  store(c_start, row + 2u, col, c2);
  store(c_start, row + 3u, col, c3);
  store(c_start, row + 4u, col, c4);
  store(c_start, row + 5u, col, c5);
  store(c_start, row + 6u, col, c6);
  store(c_start, row + 7u, col, c7);
  if (ROWS > 8u) {
    store(c_start, row + 8u, col, c8);
    store(c_start, row + 9u, col, c9);
    store(c_start, row + 10u, col, c10);
    store(c_start, row + 11u, col, c11);
    store(c_start, row + 12u, col, c12);
    store(c_start, row + 13u, col, c13);
    store(c_start, row + 14u, col, c14);
    store(c_start, row + 15u, col, c15);
  }
  if (QUADS > 1u) {
    store(c_start, row, col + 4u, d0);
    store(c_start, row + 1u, col + 4u, d1);
    store(c_start, row + 2u, col + 4u, d2);
    store(c_start, row + 3u, col + 4u, d3);
    store(c_start, row + 4u, col + 4u, d4);
    store(c_start, row + 5u, col + 4u, d5);
    store(c_start, row + 6u, col + 4u, d6);
    store(c_start, row + 7u, col + 4u, d7);
    if (ROWS > 8u) {
      store(c_start, row + 8u, col + 4u, d8);
      store(c_start, row + 9u, col + 4u, d9);
      store(c_start, row + 10u, col + 4u, d10);
      store(c_start, row + 11u, col + 4u, d11);
      store(c_start, row + 12u, col + 4u, d12);
      store(c_start, row + 13u, col + 4u, d13);
      store(c_start, row + 14u, col + 4u, d14);
      store(c_start, row + 15u, col + 4u, d15);
    }
  }
}
`;

/** `shaders/gemm_subgroup_strip.wgsl` */
export const gemmSubgroupStripWgsl: string = `enable subgroups; const LANES = 8u; const ROWS = 16u; const QUADS = 1u; alias ElemA = vec4f; const WIDTH_A = 4u; fn widen_a(word: ElemA) -> vec4f { return word; } alias ElemB = vec4f; const WIDTH_B = 4u; fn widen_b(word: ElemB) -> vec4f { return word; } alias ElemC = f32; const WIDTH_C = 1u; fn narrow_c(values: vec4f) -> ElemC { return values.x; } // the host replaces this line

// The last columns of C = A·B or C += A·B, of which there are no more than a subgroup has lanes: where
// gemm_subgroup.wgsl would make 4·LANES at a time, each lane makes one.
//
// Host contract (src/kernels/gemm/gemm-subgroup.ts, gemm-plan.ts): that of gemm_subgroup.wgsl, but for
//   ElemC           f32: C is written element by element
//   dispatch        (1, ceil(m / ROWS), products·slices): n is at most LANES
//   rounding        the same sums in the same order

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

// Row \`row\` of A, columns i … i+3; 0 from column \`end\` on. An aligned row ends at a multiple of four,
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

// Rows i … i+3 of column \`col\` of B; 0 from row \`end\` on.
fn load_down(start: u32, i: u32, col: u32, end: u32) -> vec4f {
  let step = select(tile.b_stride, 1u, TRANSPOSE_B);
  let at = start + select(i * tile.b_stride + col, col * tile.b_stride + i, TRANSPOSE_B);
  if (WHOLE_QUADS_OF_K) {
    return vec4f(load_b(at), load_b(at + step), load_b(at + 2u * step), load_b(at + 3u * step));
  }
  let last = end - 1u - i;
  return vec4f(
    load_b(at),
    select(0.0, load_b(at + min(1u, last) * step), 1u <= last),
    select(0.0, load_b(at + min(2u, last) * step), 2u <= last),
    select(0.0, load_b(at + min(3u, last) * step), 3u <= last),
  );
}

// An element of C as its sum begins: 0, or what C holds.
fn begin(start: u32, row: u32, col: u32) -> f32 {
  if (!ACCUMULATE || row >= tile.m || col >= tile.n) {
    return 0.0;
  }
  return vec4f(c[start + row * tile.c_stride + col]).x;
}

fn store(start: u32, row: u32, col: u32, sum: f32) {
  if (row < tile.m && col < tile.n) {
    c[start + row * tile.c_stride + col] = narrow_c(vec4f(sum));
  }
}

// sum + four columns of A times four rows of B, in order of k.
fn dot4(row: vec4f, column: vec4f, sum: f32) -> f32 {
  let first = fma(row.y, column.y, fma(row.x, column.x, sum));
  return fma(row.w, column.w, fma(row.z, column.z, first));
}

// The quad that belongs to \`index\`, a constant wherever this is called.
fn held(a0: vec4f, a1: vec4f, a2: vec4f, a3: vec4f, index: u32) -> vec4f {
  if (index == 0u) {
    return a0;
  }
  if (index == 1u) {
    return a1;
  }
  return select(a3, a2, index == 2u);
}

@compute @workgroup_size(LANES)
fn gemm_subgroup_strip(
  @builtin(workgroup_id) group: vec3u,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let product = group.z / tile.slices;
  let slice = group.z % tile.slices;
  let a_start = tile.a_base + product * tile.a_batch;
  let b_start = tile.b_base + product * tile.b_batch;
  let c_start = tile.c_base + product * tile.c_batch + slice * tile.c_slice;
  let end = min(tile.k, (slice + 1u) * tile.k_slice);
  let row = group.y * ROWS;
  let col = lane;
  let column = min(col, tile.n - 1u);
  // Rows of A that this lane holds.
  let last = tile.m - 1u;
  let held0 = min(row + lane, last);
  let held1 = min(row + LANES + lane, last);
  let held2 = min(row + 2u * LANES + lane, last);
  let held3 = min(row + 3u * LANES + lane, last);
  var s0 = begin(c_start, row, col);
  var s1 = begin(c_start, row + 1u, col);
  var s2 = begin(c_start, row + 2u, col);
  var s3 = begin(c_start, row + 3u, col);
  var s4 = begin(c_start, row + 4u, col);
  var s5 = begin(c_start, row + 5u, col);
  var s6 = begin(c_start, row + 6u, col);
  var s7 = begin(c_start, row + 7u, col);
  var s8 = begin(c_start, row + 8u, col);
  var s9 = begin(c_start, row + 9u, col);
  var s10 = begin(c_start, row + 10u, col);
  var s11 = begin(c_start, row + 11u, col);
  var s12 = begin(c_start, row + 12u, col);
  var s13 = begin(c_start, row + 13u, col);
  var s14 = begin(c_start, row + 14u, col);
  var s15 = begin(c_start, row + 15u, col);

  for (var i = slice * tile.k_slice; i < end; i += 4u) {
    let a0 = load_a4(a_start, held0, i, end);
    var a1 = vec4f();
    var a2 = vec4f();
    var a3 = vec4f();
    if (ROWS > LANES) {
      a1 = load_a4(a_start, held1, i, end);
    }
    if (ROWS > 2u * LANES) {
      a2 = load_a4(a_start, held2, i, end);
      a3 = load_a4(a_start, held3, i, end);
    }
    let quad = load_down(b_start, i, column, end);
    s0 = dot4(subgroupBroadcast(a0, 0u % LANES), quad, s0);
    s1 = dot4(subgroupBroadcast(a0, 1u % LANES), quad, s1);
    s2 = dot4(subgroupBroadcast(a0, 2u % LANES), quad, s2);
    s3 = dot4(subgroupBroadcast(a0, 3u % LANES), quad, s3);
    s4 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 4u / LANES), 4u % LANES), quad, s4);
    s5 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 5u / LANES), 5u % LANES), quad, s5);
    s6 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 6u / LANES), 6u % LANES), quad, s6);
    s7 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 7u / LANES), 7u % LANES), quad, s7);
    if (ROWS > 8u) {
      s8 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 8u / LANES), 8u % LANES), quad, s8);
      s9 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 9u / LANES), 9u % LANES), quad, s9);
      s10 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 10u / LANES), 10u % LANES), quad, s10);
      s11 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 11u / LANES), 11u % LANES), quad, s11);
      s12 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 12u / LANES), 12u % LANES), quad, s12);
      s13 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 13u / LANES), 13u % LANES), quad, s13);
      s14 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 14u / LANES), 14u % LANES), quad, s14);
      s15 = dot4(subgroupBroadcast(held(a0, a1, a2, a3, 15u / LANES), 15u % LANES), quad, s15);
    }
  }

  store(c_start, row, col, s0);
  store(c_start, row + 1u, col, s1);
  store(c_start, row + 2u, col, s2);
  store(c_start, row + 3u, col, s3);
  store(c_start, row + 4u, col, s4);
  store(c_start, row + 5u, col, s5);
  store(c_start, row + 6u, col, s6);
  store(c_start, row + 7u, col, s7);
  if (ROWS > 8u) {
    store(c_start, row + 8u, col, s8);
    store(c_start, row + 9u, col, s9);
    store(c_start, row + 10u, col, s10);
    store(c_start, row + 11u, col, s11);
    store(c_start, row + 12u, col, s12);
    store(c_start, row + 13u, col, s13);
    store(c_start, row + 14u, col, s14);
    store(c_start, row + 15u, col, s15);
  }
}
`;

/** `shaders/gemm_tiled.wgsl` */
export const gemmTiledWgsl: string = `const ROWS = 8u; const QUADS = 2u; const A_LOADS = 2u; const B_LOADS = 2u; alias ElemA = vec4f; const WIDTH_A = 4u; fn widen_a(word: ElemA) -> vec4f { return word; } alias ElemB = vec4f; const WIDTH_B = 4u; fn widen_b(word: ElemB) -> vec4f { return word; } alias ElemC = vec4f; const WIDTH_C = 4u; fn narrow_c(values: vec4f) -> ElemC { return values; } // the host replaces this line

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

// Row \`row\` of A, columns i … i+3; 0 from column \`end\` on. An aligned row ends at a multiple of four,
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

// Row i of B, columns col … col+3; 0 from row \`end\` on. What stands for columns past the last does
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

// Row \`row\` of C, columns col … col+3, as the sums begin: 0, or what C holds.
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
`;

/** `shaders/gemm_vector.wgsl` */
export const gemmVectorWgsl: string = `alias ElemA = vec4f; const WIDTH_A = 4u; fn widen_a(word: ElemA) -> vec4f { return word; } alias ElemB = vec4f; const WIDTH_B = 4u; fn widen_b(word: ElemB) -> vec4f { return word; } alias ElemC = vec4f; const WIDTH_C = 4u; fn narrow_c(values: vec4f) -> ElemC { return values; } // the host replaces this line

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

// Row \`row\` of A, columns i … i+3; 0 from column \`end\` on. An aligned row ends at a multiple of four,
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

// Rows i … i+3 of B, columns col … col+3, a row a column of the matrix; 0 from row \`end\` on. What
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

// Columns col … col+3 of a row that begins at element \`at\`.
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

// Row \`row\` of C, columns col … col+3, as the sums begin: 0, or what C holds.
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
`;

/** `shaders/halves.wgsl` */
export const halvesWgsl: string = `// Y = X, float32 rounded to halves (IEEE binary16), row-major. One invocation makes one word of two.
//
// Host contract (src/kernels/halves/halves-convert.ts):
//   WORKGROUP       invocations of a workgroup
//   dispatch        (x, y, 1) with x·y·WORKGROUP ≥ rows·words: words are taken in order of rows
//   x               element (i, j) is number x_base + i·x_stride + j
//   y               word w of row i, elements 2w and 2w+1, is number y_base + i·y_stride + w
//   shared memory   none
//   edges           the second half of the last word of an odd row is 0
//   rounding        to the nearest, ties to even, in integers: the same bits on every device. From
//                   65520 on ±Inf; below 2^-14 multiples of 2^-24; NaN stays NaN

override WORKGROUP: u32 = 64u;

struct Tile {
  rows: u32,
  cols: u32,
  words: u32,
  x_base: u32,
  x_stride: u32,
  y_base: u32,
  y_stride: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

// The bits of the half nearest to a float32, both as bits.
fn half_of(bits: u32) -> u32 {
  let sign = (bits >> 16u) & 0x8000u;
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) {
    return sign | 0x7e00u;
  }
  if (size >= 0x477ff000u) {
    return sign | 0x7c00u;
  }
  if (size >= 0x38800000u) {
    // The exponent moves by 112; of the fraction 13 bits go.
    return sign | rounded(size - 0x38000000u, 13u);
  }
  // In units of 2^-24. What is shifted by more than 24 is below half a unit.
  let significand = (size & 0x7fffffu) | 0x800000u;
  let shift = 126u - (size >> 23u);
  if (shift > 24u) {
    return sign;
  }
  return sign | rounded(significand, shift);
}

// value / 2^shift to the nearest integer, ties to even; 1 ≤ shift ≤ 24.
fn rounded(value: u32, shift: u32) -> u32 {
  let whole = value >> shift;
  let rest = value & ((1u << shift) - 1u);
  let middle = 1u << (shift - 1u);
  return whole + select(0u, 1u, rest > middle || (rest == middle && (whole & 1u) == 1u));
}

@compute @workgroup_size(WORKGROUP)
fn halves(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let word = (group.y * groups.x + group.x) * WORKGROUP + index;
  let row = word / tile.words;
  if (row >= tile.rows) {
    return;
  }
  let within = word % tile.words;
  let at = tile.x_base + row * tile.x_stride + 2u * within;
  var pair = half_of(x[at]);
  if (2u * within + 1u < tile.cols) {
    pair |= half_of(x[at + 1u]) << 16u;
  }
  y[tile.y_base + row * tile.y_stride + within] = pair;
}
`;

/** `shaders/line_maxima.wgsl` */
export const lineMaximaWgsl: string = `// The largest |element| of every row, or of every column, of a float32 matrix, as bits: for what is
// not negative they are ordered like the numbers, ±Inf above all numbers and NaN above ±Inf. Of integers
// the order of taking the maximum does not matter, so the result is the same every time.
//
// Host contract (src/kernels/halves/halves-split.ts):
//   BY_ROW          a maximum for every row; otherwise one for every column
//   dispatch        BY_ROW: (ceil(cols / 4096), ceil(rows / 4), 1),
//                   otherwise (ceil(cols / 64), ceil(rows / 256), 1)
//   x               element (i, j) is number base + i·stride + j
//   maxima          line 0 of the part has number \`line\`. Only ever raised: the host sets them to 0
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
`;

/** `shaders/norm_squares.wgsl` */
export const normSquaresWgsl: string = `alias Elem = vec4f; // the host replaces this line: a type cannot be an override

// partial_i = Σ_t (scale · x_{i + t·sums})², f32: the squares of a part of a matrix, in \`sums\` sums that
// shaders/norm_sum.wgsl adds up. Neighbours read neighbours; nothing is shared, and the order is fixed, so
// that the same matrix gives the same bits.
//
// Host contract (src/kernels/reductions/frobenius-plan.ts, frobenius.ts):
//   Elem            vec4f where stride, offset and width are multiples of four elements, f32 otherwise
//   WORKGROUP       invocations of a workgroup
//   dispatch        (ceil(sums / WORKGROUP), 1, 1)
//   x               element (i, j) is number x_at + i·x_row + j, counting Elems; number e of the part is
//                   (e / cols, e % cols), of \`elements\`, which may be 0
//   step            sums = step_rows · cols + step_cols, which saves a division for every Elem
//   partials        from y_at on, one Elem for every sum; those without elements are 0
//   shared memory   none
//   edges           invocations past \`sums\` do nothing
//   rounding        one fma (or a product and a sum) after the other; scale is a power of two.
//                   |ŝ - s| ≤ γ_t s, t = ceil(elements / sums), absent underflow and overflow of a square

override WORKGROUP: u32 = 64u;

struct Part {
  elements: u32,
  cols: u32,
  step_rows: u32,
  step_cols: u32,
  x_at: u32,
  x_row: u32,
  sums: u32,
  y_at: u32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> part: Part;
@group(0) @binding(1) var<storage, read> x: array<Elem>;
@group(0) @binding(2) var<storage, read_write> partials: array<Elem>;

@compute @workgroup_size(WORKGROUP)
fn norm_squares(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x;
  if (index >= part.sums) {
    return;
  }
  var row = index / part.cols;
  var col = index % part.cols;
  var squares = Elem();
  for (var element = index; element < part.elements; element += part.sums) {
    let value = part.scale * x[part.x_at + row * part.x_row + col];
    squares = fma(value, value, squares);
    row += part.step_rows;
    col += part.step_cols;
    if (col >= part.cols) {
      col -= part.cols;
      row++;
    }
  }
  partials[part.y_at + index] = squares;
}
`;

/** `shaders/norm_sum.wgsl` */
export const normSumWgsl: string = `// y[g, j] = Σ_t x[g, t, j], f32: adds up partial sums, a run of them an invocation, in their order. The last
// step of the reductions: norms (width 1, one group a block) and projections (width: vectors at once).
//
// Host contract (src/kernels/reductions/reduction-sums.ts):
//   WORKGROUP       invocations of a workgroup
//   dispatch        (ceil(groups · runs · width / WORKGROUP), 1, 1)
//   x               from x_at on, groups × count × width, row-major; count ≥ 1
//   y               from y_at on, groups × runs × width: run s adds up partials s·fan … of its group, up to
//                   \`fan\` of them; runs = ceil(count / fan)
//   shared memory   none
//   edges           invocations past the last sum do nothing
//   rounding        |ŷ - y| ≤ γ_{fan-1} Σ|x|

override WORKGROUP: u32 = 64u;

struct Sums {
  groups: u32,
  count: u32,
  width: u32,
  fan: u32,
  runs: u32,
  x_at: u32,
  y_at: u32,
}

@group(0) @binding(0) var<uniform> sums: Sums;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn norm_sum(@builtin(global_invocation_id) id: vec3u) {
  let index = id.x;
  if (index >= sums.groups * sums.runs * sums.width) {
    return;
  }
  let column = index % sums.width;
  let run = (index / sums.width) % sums.runs;
  let group = index / (sums.width * sums.runs);
  let first = run * sums.fan;
  let end = min(first + sums.fan, sums.count);
  let base = sums.x_at + group * sums.count * sums.width + column;
  var sum = x[base + first * sums.width];
  for (var t = first + 1u; t < end; t++) {
    sum += x[base + t * sums.width];
  }
  y[sums.y_at + index] = sum;
}
`;

/** `shaders/project.wgsl` */
export const projectWgsl: string = `// partial[i, s, j] = Σ_t X[i, s + t·sums] · r[s + t·sums, j], f32: X times a few vectors, every row in \`sums\`
// sums that shaders/norm_sum.wgsl adds up. Neighbours read neighbours of a row; nothing is shared, and the
// order is fixed, so that the same operands give the same bits.
//
// Host contract (src/kernels/reductions/projection-plan.ts, projection.ts):
//   VECTORS         1..4, columns of r
//   WORKGROUP       invocations of a workgroup
//   dispatch        (ceil(rows · sums / WORKGROUP), 1, 1)
//   x               element (i, j) is number x_at + i·x_row + j
//   r               row-major cols × VECTORS from r_at on
//   partials        number (i · slots + slot + s) · VECTORS + j; slots ≥ sums for a row, as X
//                   may be cut into parts of its columns, each a dispatch with another \`slot\`
//   shared memory   none
//   edges           invocations past the last row do nothing; sums ≤ cols
//   rounding        one fma (or a product and a sum) after the other:
//                   |p̂ - p| ≤ γ_t Σ|x||r|, t = ceil(cols / sums), absent underflow and overflow

override VECTORS: u32 = 1u;
override WORKGROUP: u32 = 64u;

struct Part {
  rows: u32,
  cols: u32,
  x_at: u32,
  x_row: u32,
  r_at: u32,
  sums: u32,
  slots: u32,
  slot: u32,
}

@group(0) @binding(0) var<uniform> part: Part;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> r: array<f32>;
@group(0) @binding(3) var<storage, read_write> partials: array<f32>;

@compute @workgroup_size(WORKGROUP)
fn project(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x / part.sums;
  let start = id.x % part.sums;
  if (row >= part.rows) {
    return;
  }
  let x_row = part.x_at + row * part.x_row;
  var y = vec4f();
  for (var col = start; col < part.cols; col += part.sums) {
    let value = x[x_row + col];
    let r_at = part.r_at + col * VECTORS;
    y.x = fma(value, r[r_at], y.x);
    if (VECTORS > 1u) { y.y = fma(value, r[r_at + 1u], y.y); }
    if (VECTORS > 2u) { y.z = fma(value, r[r_at + 2u], y.z); }
    if (VECTORS > 3u) { y.w = fma(value, r[r_at + 3u], y.w); }
  }
  let y_at = (row * part.slots + part.slot + start) * VECTORS;
  partials[y_at] = y.x;
  if (VECTORS > 1u) { partials[y_at + 1u] = y.y; }
  if (VECTORS > 2u) { partials[y_at + 2u] = y.z; }
  if (VECTORS > 3u) { partials[y_at + 3u] = y.w; }
}
`;

/** `shaders/split_halves.wgsl` */
export const splitHalvesWgsl: string = `// Every element of a float32 matrix as a pair of halves, x·2^(14-e) ≈ high + low/2^11, e being the
// exponent of the largest |element| of its line (2^e ≤ largest < 2^(e+1)), a row or a column. One
// invocation makes eight pairs.
//
// Host contract (src/kernels/halves/halves-split.ts):
//   BY_ROW          lines are rows; otherwise columns
//   WORKGROUP       invocations of a workgroup
//   dispatch        (x, y, 1) with x·y·WORKGROUP ≥ rows·octets, octets = ceil(cols / 8): they are taken
//                   in order of rows
//   x               element (i, j) is number x_base + i·x_stride + j
//   maxima          made by line_maxima.wgsl; line 0 of the part has number \`line\`
//   y               octet o of row i is number y_base + i·y_stride + o: a word of eight high halves and a
//                   word of their low ones
//   shared memory   none
//   edges           pairs past the last column are 0; so are those of a line that is not finite
//   rounding        in integers, the same bits on every device. |x·2^(14-e) - high - low/2^11| ≤
//                   2^-23 |x·2^(14-e)| + 2^-25: both halves are rounded to the nearest, and no half is
//                   subnormal, as hardware may take such for 0. An element whose high half would be
//                   subnormal is all in its low one

override BY_ROW: bool = true;
override WORKGROUP: u32 = 64u;

struct Tile {
  rows: u32,
  cols: u32,
  octets: u32,
  x_base: u32,
  x_stride: u32,
  y_base: u32,
  y_stride: u32,
  line: u32,
}

@group(0) @binding(0) var<uniform> tile: Tile;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read> maxima: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4u>;

// |value| as significand·2^(exponent-23), the significand having 24 bits; 0 for 0.
struct Parts {
  significand: u32,
  exponent: i32,
}

fn parts_of(size: u32) -> Parts {
  if (size >= 0x800000u) {
    return Parts((size & 0x7fffffu) | 0x800000u, i32(size >> 23u) - 127);
  }
  let shift = 23u - min(firstLeadingBit(size), 23u);
  return Parts(size << shift, -126 - i32(shift));
}

// significand·2^(exponent-last) rounded to a half, where \`last\` is the significand's highest bit; 0
// where that would be subnormal. Never as large as 2^15.
fn normal_half(significand: u32, last: u32, exponent: i32) -> u32 {
  if (exponent < -14 || significand == 0u) {
    return 0u;
  }
  var fraction = significand << (10u - min(last, 10u));
  if (last > 10u) {
    let shift = last - 10u;
    let rest = significand & ((1u << shift) - 1u);
    let middle = 1u << (shift - 1u);
    fraction = significand >> shift;
    fraction += select(0u, 1u, rest > middle || (rest == middle && (fraction & 1u) == 1u));
  }
  // The leading bit adds one to the exponent's field, and so does a carry.
  return (u32(exponent + 14) << 10u) + fraction;
}

fn with_sign(half: u32, sign: u32) -> u32 {
  return select(half | sign, 0u, half == 0u);
}

// The pair of one element, the high half in the lower bits.
fn pair_of(bits: u32, largest: u32) -> u32 {
  let sign = (bits >> 16u) & 0x8000u;
  let value = parts_of(bits & 0x7fffffffu);
  if (value.significand == 0u || largest >= 0x7f800000u) {
    return 0u;
  }
  let exponent = value.exponent + 14 - parts_of(largest).exponent;
  if (exponent < -14) {
    return with_sign(normal_half(value.significand, 23u, exponent + 11), sign) << 16u;
  }
  let high = normal_half(value.significand, 23u, exponent);
  // What the high half lacks, in units of 2^(exponent-23): at most 2^12 either way.
  let taken = (high - (u32(exponent + 14) << 10u)) << 13u;
  let lacking = max(value.significand, taken) - min(value.significand, taken);
  let last = min(firstLeadingBit(lacking), 23u);
  let low = normal_half(lacking, last, exponent + i32(last) - 12);
  let low_sign = select(sign, sign ^ 0x8000u, taken > value.significand);
  return with_sign(high, sign) | (with_sign(low, low_sign) << 16u);
}

@compute @workgroup_size(WORKGROUP)
fn split_halves(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let octet = (group.y * groups.x + group.x) * WORKGROUP + index;
  let row = octet / tile.octets;
  if (row >= tile.rows) {
    return;
  }
  let within = octet % tile.octets;
  let at = tile.x_base + row * tile.x_stride + 8u * within;
  var high = vec4u();
  var low = vec4u();
  for (var i = 0u; i < min(8u, tile.cols - 8u * within); i++) {
    let line = tile.line + select(8u * within + i, row, BY_ROW);
    let pair = pair_of(x[at + i], maxima[line]);
    high[i / 2u] |= (pair & 0xffffu) << (16u * (i % 2u));
    low[i / 2u] |= (pair >> 16u) << (16u * (i % 2u));
  }
  let to = 2u * (tile.y_base + row * tile.y_stride + within);
  y[to] = high;
  y[to + 1u] = low;
}
`;
