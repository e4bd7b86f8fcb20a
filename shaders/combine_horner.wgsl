alias Elem = vec4f; // the host replaces this line: a type cannot be an override

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
