import { linearScale } from "./scales.ts";
import { element, label, picture } from "./svg.ts";

export interface StackedBars {
  readonly title: string;
  /** The parts of each bar, in the order of their colours. */
  readonly parts: readonly string[];
  readonly bars: readonly {
    readonly name: string;
    readonly values: readonly number[];
    /** What is written after the bar. */
    readonly total: string;
  }[];
  readonly format: (value: number) => string;
}

const WIDTH = 780;
const LEFT = 300;
const RIGHT = 690;
const PITCH = 26;
const HEAD = 34;

/** Horizontal bars of several parts, on one linear axis from 0. */
export function stackedBars({ title, parts, bars, format }: StackedBars): string {
  if (bars.length === 0) return "";
  const sums = bars.map(({ values }) => values.reduce((sum, value) => sum + value, 0));
  const x = linearScale(Math.max(...sums), { from: LEFT, to: RIGHT });
  const bottom = HEAD + PITCH * bars.length + 4;
  return picture({ width: WIDTH, height: bottom + 26 }, title, [
    ...legend(parts),
    ...x.ticks.map((tick) =>
      [
        element("line", {
          class: "grid",
          x1: x.at(tick),
          x2: x.at(tick),
          y1: HEAD - 6,
          y2: bottom,
        }),
        label(x.at(tick), bottom + 17, format(tick), { "text-anchor": "middle" }),
      ].join(""),
    ),
    ...bars.flatMap(({ name, values, total }, i) => {
      const y = HEAD + PITCH * i;
      let from = 0;
      const pieces = values.map((value, part) => {
        const left = x.at(from);
        from += value;
        return element(
          "rect",
          {
            class: `bar p${part}`,
            x: left,
            y,
            width: Math.max(0, x.at(from) - left),
            height: PITCH - 8,
          },
          element("title", {}, `${parts[part]}: ${format(value)}`),
        );
      });
      return [
        label(LEFT - 8, y + 13, name, { "text-anchor": "end" }),
        ...pieces,
        label(x.at(from) + 6, y + 13, total),
      ];
    }),
  ]);
}

function legend(parts: readonly string[]): string[] {
  const named = parts.filter((part) => part !== "");
  if (named.length < 2) return [];
  let x = LEFT;
  return parts.map((part, i) => {
    if (part === "") return "";
    const at = x;
    x += 26 + 7 * part.length;
    return [
      element("rect", { class: `bar p${i}`, x: at, y: 6, width: 12, height: 12 }),
      label(at + 17, 16, part),
    ].join("");
  });
}
