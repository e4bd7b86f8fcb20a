import { gemmKernels } from "./gemm-families.ts";
import type { GemmFamily, GemmPrecision, GemmSetup, WordsLayout } from "./gemm-family.ts";

/** Bytes of one element of A or B as stored. */
export function operandBytes(precision: GemmPrecision): 4 | 2 {
  return precision === "f16" ? 2 : 4;
}

/**
 * The first line of a family's shader: directives, the constants of the configuration, and how words of
 * the matrices become elements. Halves are unpacked from u32, which every device can do, whether or
 * not it has the feature "shader-f16".
 */
export function gemmPrelude(options: {
  readonly family: GemmFamily;
  readonly setup: GemmSetup;
  readonly precision: GemmPrecision;
  readonly quads: { readonly a: boolean; readonly b: boolean; readonly c: boolean };
  readonly layout: Omit<WordsLayout, "consts">;
}): string {
  const { family, setup, precision, quads, layout } = options;
  const { enables, words, octets } = gemmKernels[family];
  return [
    ...(enables ? [enables] : []),
    ...Object.entries(setup.consts).map(([name, value]) => `const ${name} = ${value}u;`),
    words?.({ ...layout, consts: setup.consts }) ??
      [
        ...(octets ? [] : [operandWords("a", precision, quads.a)]),
        ...(octets ? [] : [operandWords("b", precision, quads.b)]),
        productWords(quads.c),
      ].join(" "),
  ].join(" ");
}

function operandWords(name: "a" | "b", precision: GemmPrecision, quad: boolean): string {
  const upper = name.toUpperCase();
  const words = WORDS[precision === "f16" ? "f16" : "f32"][quad ? "quad" : "scalar"];
  return (
    `alias Elem${upper} = ${words.type}; const WIDTH_${upper} = ${words.width}u; ` +
    `fn widen_${name}(word: Elem${upper}) -> vec4f { return ${words.widen}; }`
  );
}

function productWords(quad: boolean): string {
  const { type, width, narrow } = quad
    ? { type: "vec4f", width: 4, narrow: "values" }
    : { type: "f32", width: 1, narrow: "values.x" };
  return (
    `alias ElemC = ${type}; const WIDTH_C = ${width}u; ` +
    `fn narrow_c(values: vec4f) -> ElemC { return ${narrow}; }`
  );
}

const WORDS = {
  f32: {
    quad: { type: "vec4f", width: 4, widen: "word" },
    scalar: { type: "f32", width: 1, widen: "vec4f(word)" },
  },
  f16: {
    quad: {
      type: "vec2u",
      width: 4,
      widen: "vec4f(unpack2x16float(word.x), unpack2x16float(word.y))",
    },
    scalar: { type: "u32", width: 2, widen: "vec4f(unpack2x16float(word), 0.0, 0.0)" },
  },
};
