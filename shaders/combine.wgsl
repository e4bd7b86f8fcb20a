alias Elem = vec4f; fn add(w: f32, x: Elem, sum: Elem) -> Elem { return fma(Elem(w), x, sum); } // the host replaces this line: a type cannot be an override

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
