import type { Operands } from "./contender.ts";

/** @file Writes the two ONNX models that the benchmark needs, in protobuf's own encoding. */

/** C = MatMul(A, B) with A and B as inputs and C as output. */
export function matMulModel({ m, k, n }: Omit<Operands, "a" | "b">): Uint8Array {
  return model({
    nodes: [node("MatMul", ["A", "B"], "C")],
    initializers: [],
    inputs: [valueInfo("A", [m, k]), valueInfo("B", [k, n])],
    output: valueInfo("C", [m, n]),
  });
}

/**
 * `repeats` products of operands that the model holds, so that they stay on the device, and of each
 * product one element: "probe", 1×repeats, is all that is copied back.
 */
export function residentModel({ m, k, n, a, b }: Operands, repeats: number): Uint8Array {
  const each = Array.from({ length: repeats }, (_, i) => i);
  return model({
    nodes: [
      ...each.map((i) => node("MatMul", ["A", "B"], `C${i}`)),
      ...each.map((i) => node("Slice", [`C${i}`, "from", "to"], `probe${i}`)),
      node(
        "Concat",
        each.map((i) => `probe${i}`),
        "probe",
        { axis: 1 },
      ),
    ],
    initializers: [
      tensor("A", FLOAT, [m, k], bytesOf(a)),
      tensor("B", FLOAT, [k, n], bytesOf(b)),
      tensor("from", INT64, [2], bytesOf(BigInt64Array.of(0n, 0n))),
      tensor("to", INT64, [2], bytesOf(BigInt64Array.of(1n, 1n))),
    ],
    inputs: [],
    output: valueInfo("probe", [1, repeats]),
  });
}

const FLOAT = 1;
const INT64 = 7;
const OPSET = 13;
const IR_VERSION = 8;

interface Graph {
  readonly nodes: readonly Uint8Array[];
  readonly initializers: readonly Uint8Array[];
  readonly inputs: readonly Uint8Array[];
  readonly output: Uint8Array;
}

function model({ nodes, initializers, inputs, output }: Graph): Uint8Array {
  const graph = concat([
    ...nodes.map((each) => bytes(1, each)),
    text(2, "g"),
    ...initializers.map((each) => bytes(5, each)),
    ...inputs.map((each) => bytes(11, each)),
    bytes(12, output),
  ]);
  return concat([integer(1, IR_VERSION), bytes(7, graph), bytes(8, integer(2, OPSET))]);
}

function node(
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, number>> = {},
): Uint8Array {
  const INT = 2;
  return concat([
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(3, `make ${output}`),
    text(4, type),
    ...Object.entries(attributes).map(([name, value]) =>
      bytes(5, concat([text(1, name), integer(3, value), integer(20, INT)])),
    ),
  ]);
}

function tensor(name: string, type: number, dims: readonly number[], raw: Uint8Array): Uint8Array {
  return concat([
    ...dims.map((dim) => integer(1, dim)),
    integer(2, type),
    text(8, name),
    bytes(9, raw),
  ]);
}

function valueInfo(name: string, dims: readonly number[]): Uint8Array {
  const shape = concat(dims.map((dim) => bytes(1, integer(1, dim))));
  const type = concat([integer(1, FLOAT), bytes(2, shape)]);
  return concat([text(1, name), bytes(2, bytes(1, type))]);
}

function integer(field: number, value: number): Uint8Array {
  return concat([varint(field * 8), varint(value)]);
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return concat([varint(field * 8 + 2), varint(value.length), value]);
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value));
}

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
  return Uint8Array.from([...out, rest]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Little-endian, as ONNX wants it and as every machine is that runs WebGPU. */
function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
