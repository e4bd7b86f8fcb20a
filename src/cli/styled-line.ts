import { styleText } from "node:util";

/** A colour or weight by the name `util.styleText` knows. */
export type Style = Parameters<typeof styleText>[0];

/** Consecutive characters of one style. */
export interface Span {
  readonly text: string;
  readonly style?: Style;
}

/** Where lines are printed. */
export interface LineOptions {
  /** Columns there are. */
  readonly width: number;
  /** Whether escape sequences for colour may be printed. */
  readonly colour: boolean;
}

/** Joins spans to one line of at most `width` characters; what is beyond is cut off. */
export function styledLine(spans: readonly Span[], { width, colour }: LineOptions): string {
  let left = width;
  let line = "";
  for (const { text, style } of spans) {
    const characters = Array.from(text).slice(0, left);
    left -= characters.length;
    const shown = characters.join("");
    // Whether to colour was decided by the caller, not by what standard output happens to be.
    const styled = colour && style && shown.trim() !== "";
    line += styled ? styleText(style, shown, { validateStream: false }) : shown;
  }
  return line.trimEnd();
}

/** A name, padded to `indent` columns, and a text broken at spaces that stays to the right of it. */
export function wrapText(row: {
  readonly name: string;
  readonly text: string;
  readonly indent: number;
  readonly width: number;
}): string[] {
  const { name, text, indent, width } = row;
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].map((each, i) => (i === 0 ? name : "").padEnd(indent) + each);
}

/** Breaks items into lines of at most `width`, two spaces between them. */
export function wrapItems(items: readonly Span[][], options: LineOptions): string[] {
  const lines: Span[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const length = item.reduce((sum, { text }) => sum + Array.from(text).length, 0);
    if (used + 2 + length > options.width) {
      lines.push([...item]);
      used = length;
    } else {
      lines.at(-1)?.push({ text: "  " }, ...item);
      used += 2 + length;
    }
  }
  return lines.map((line) => styledLine(line, options));
}
