alias Elem = vec4f; // the host replaces this line: a type cannot be an override

// partial_i = Σ_t (scale · x_{i + t·sums})², f32: the squares of a part of a matrix, in `sums` sums that
// shaders/norm_sum.wgsl adds up. Neighbours read neighbours; nothing is shared, and the order is fixed, so
// that the same matrix gives the same bits.
//
// Host contract (src/kernels/reductions/frobenius-plan.ts, frobenius.ts):
//   Elem            vec4f where stride, offset and width are multiples of four elements, f32 otherwise
//   WORKGROUP       invocations of a workgroup
//   dispatch        (ceil(sums / WORKGROUP), 1, 1)
//   x               element (i, j) is number x_at + i·x_row + j, counting Elems; number e of the part is
//                   (e / cols, e % cols), of `elements`, which may be 0
//   step            sums = step_rows · cols + step_cols, which saves a division for every Elem
//   partials        from y_at on, one Elem for every sum; those without elements are 0
//   shared memory   none
//   edges           invocations past `sums` do nothing
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
