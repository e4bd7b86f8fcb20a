// @ts-check

/**
 * @file An ONNX model of one node, C = A·B in float32, whatever the shapes. ONNX models are protocol
 * buffers: https://github.com/onnx/onnx/blob/v1.19.0/onnx/onnx.proto has the fields that are numbered
 * here.
 */

const FLOAT = 1; // TensorProto.DataType.FLOAT
/** The oldest versions that describe MatMul as it is today, so that every runtime takes them. */
const IR_VERSION = 8;
const OPERATOR_SET = 13;

/** The model's bytes. Inputs "A" (m×k) and "B" (k×n), output "C" (m×n). */
export function matMulModel() {
  const node = [text(1, "A"), text(1, "B"), text(2, "C"), text(4, "MatMul")];
  const graph = [
    message(1, node),
    text(2, "gemm"),
    message(11, matrixInfo("A", "m", "k")),
    message(11, matrixInfo("B", "k", "n")),
    message(12, matrixInfo("C", "m", "n")),
  ];
  const model = [number(1, IR_VERSION), message(7, graph), message(8, [number(2, OPERATOR_SET)])];
  return Uint8Array.from(model.flat());
}

/**
 * A ValueInfoProto: a float32 matrix whose dimensions have names instead of lengths.
 *
 * @param {string} name
 * @param {string} rows
 * @param {string} cols
 */
function matrixInfo(name, rows, cols) {
  const shape = [message(1, [text(2, rows)]), message(1, [text(2, cols)])];
  const tensor = [number(1, FLOAT), message(2, shape)];
  return [text(1, name), message(2, [message(1, tensor)])];
}

/**
 * A field that holds an integer of 0 … 2³¹ − 1.
 *
 * @param {number} field
 * @param {number} value
 */
function number(field, value) {
  return [...varint(field << 3), ...varint(value)];
}

/**
 * A field that holds a string.
 *
 * @param {number} field
 * @param {string} value
 */
function text(field, value) {
  return message(field, [[...new TextEncoder().encode(value)]]);
}

/**
 * A field that holds other fields.
 *
 * @param {number} field
 * @param {number[][]} parts
 */
function message(field, parts) {
  const bytes = parts.flat();
  return [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
}

/**
 * Seven bits a byte, the lowest first; a set top bit says that more follow.
 *
 * @param {number} value
 */
function varint(value) {
  const bytes = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}
