import { tick as tickText } from "./numbers.ts";
import { logScale } from "./scales.ts";
import { element, label, mark, picture } from "./svg.ts";

export interface DotPlot {
  readonly title: string;
  readonly xLabel: string;
  readonly rows: readonly {
    readonly name: string;
    readonly dots: readonly {
      readonly series: number;
      readonly name: string;
      readonly x: number;
    }[];
  }[];
}

const WIDTH = 780;
const LEFT = 200;
const RIGHT = 760;
const PITCH = 24;

/** Rows of marks on one logarithmic axis. */
export function dotPlot({ title, xLabel, rows }: DotPlot): string {
  const dots = rows.flatMap((row) => row.dots);
  if (dots.length === 0) return "";
  const x = logScale(
    dots.map((dot) => dot.x),
    { from: LEFT + 8, to: RIGHT - 8 },
  );
  const names = new Map(dots.map(({ series, name }) => [series, name]));
  const key = legend([...names].sort(([p], [q]) => p - q));
  const top = key.height;
  const bottom = top + PITCH * rows.length + 4;
  return picture({ width: WIDTH, height: bottom + 44 }, title, [
    ...key.marks,
    ...x.ticks.map((tick) =>
      [
        element("line", { class: "grid", x1: x.at(tick), x2: x.at(tick), y1: top, y2: bottom }),
        label(x.at(tick), bottom + 16, tickText(tick), { "text-anchor": "middle" }),
      ].join(""),
    ),
    label((LEFT + RIGHT) / 2, bottom + 36, xLabel, { "text-anchor": "middle" }),
    ...rows.flatMap(({ name, dots: marks }, i) => {
      const y = top + PITCH * (i + 0.5);
      return [
        label(LEFT - 10, y + 4, name, { "text-anchor": "end" }),
        element("line", { class: "grid", x1: LEFT, x2: RIGHT, y1: y, y2: y }),
        ...marks.map((dot) => mark(x.at(dot.x), y, dot.series)),
      ];
    }),
  ]);
}

/** Marks with their names, in as many lines as they need. */
function legend(names: readonly (readonly [number, string])[]): {
  readonly marks: string[];
  readonly height: number;
} {
  let x = LEFT;
  let y = 12;
  const marks: string[] = [];
  for (const [series, name] of names) {
    const width = 26 + 7.2 * name.length;
    if (x + width > WIDTH) {
      x = LEFT;
      y += 20;
    }
    marks.push(mark(x + 6, y, series), label(x + 16, y + 4, name));
    x += width;
  }
  return { marks, height: y + 14 };
}
