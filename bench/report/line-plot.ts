import type { Group } from "../record.ts";
import { tick as tickText } from "./numbers.ts";
import { logScale } from "./scales.ts";
import { element, label, mark, picture } from "./svg.ts";

interface Series {
  readonly name: string;
  readonly group: Group;
  /** Which colour and mark. */
  readonly index: number;
  /** In order of x. `low` and `high` are the ends of a whisker. */
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    readonly low: number;
    readonly high: number;
  }[];
}

export interface LinePlot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

const SIZE = { width: 780, height: 440 };
const AREA = { left: 56, right: 590, top: 16, bottom: 392 };

/** Lines on two logarithmic axes, the names beside their last points. */
export function linePlot({ title, xLabel, yLabel, series }: LinePlot): string {
  const points = series.flatMap((each) => each.points);
  if (points.length === 0) return "";
  const xs = [...new Set(points.map(({ x }) => x))].sort((p, q) => p - q);
  // Ends a little beyond the data, not at a round number.
  const [first, last] = [xs[0]! / 1.15, xs.at(-1)! * 1.15];
  const xAt = (value: number) =>
    AREA.left + ((AREA.right - AREA.left) * Math.log(value / first)) / Math.log(last / first);
  const y = logScale(
    points.map((point) => point.y),
    { from: AREA.bottom, to: AREA.top },
  );
  return picture(SIZE, title, [
    ...y.ticks.map((tick) =>
      [
        element("line", {
          class: "grid",
          x1: AREA.left,
          x2: AREA.right,
          y1: y.at(tick),
          y2: y.at(tick),
        }),
        label(AREA.left - 8, y.at(tick) + 4, tickText(tick), { "text-anchor": "end" }),
      ].join(""),
    ),
    ...xs.map((tick) =>
      [
        element("line", {
          class: "grid",
          x1: xAt(tick),
          x2: xAt(tick),
          y1: AREA.top,
          y2: AREA.bottom,
        }),
        label(xAt(tick), AREA.bottom + 18, String(tick), { "text-anchor": "middle" }),
      ].join(""),
    ),
    label((AREA.left + AREA.right) / 2, AREA.bottom + 40, xLabel, { "text-anchor": "middle" }),
    label(0, 0, yLabel, {
      transform: `translate(14 ${(AREA.top + AREA.bottom) / 2}) rotate(-90)`,
      "text-anchor": "middle",
    }),
    ...series.map((each) => line(each, xAt, (value) => y.at(value))),
    ...names(series, xAt, (value) => y.at(value)),
  ]);
}

type At = (value: number) => number;

function line({ group, index, points }: Series, x: At, y: At): string {
  const path = points.map(({ x: px, y: py }, i) => {
    return `${i === 0 ? "M" : "L"}${x(px).toFixed(1)} ${y(py).toFixed(1)}`;
  });
  return [
    element("path", { class: `line ${group} s${index}`, d: path.join("") }),
    ...points.map((point) =>
      element("line", {
        class: `whisker s${index}`,
        x1: x(point.x),
        x2: x(point.x),
        y1: y(point.low),
        y2: y(point.high),
      }),
    ),
    ...points.map((point) => mark(x(point.x), y(point.y), index)),
  ].join("");
}

/** Names at the right, in the order of the lines' ends, pushed apart where they would overlap. */
function names(series: readonly Series[], x: At, y: At): string[] {
  const spacing = 17;
  const ends = series
    .flatMap((each) => {
      const end = each.points.at(-1);
      return end ? [{ ...each, end, at: y(end.y) }] : [];
    })
    .sort((p, q) => p.at - q.at);
  let free = AREA.top + 4;
  const placed = ends.map((each) => {
    const at = Math.max(each.at, free);
    free = at + spacing;
    return { ...each, to: at };
  });
  const overflow = Math.max(0, free - spacing - AREA.bottom);
  let ceiling = Number.POSITIVE_INFINITY;
  const settled = placed.toReversed().map((each) => {
    const to = overflow > 0 ? Math.min(each.to, ceiling, AREA.bottom) : each.to;
    ceiling = to - spacing;
    return { ...each, to };
  });
  return settled.map(({ name, index, end, at, to }) =>
    [
      element("path", {
        class: `leader s${index}`,
        d: `M${(x(end.x) + 7).toFixed(1)} ${at.toFixed(1)}L${AREA.right + 14} ${to.toFixed(1)}`,
      }),
      mark(AREA.right + 22, to, index),
      label(AREA.right + 32, to + 4, name),
    ].join(""),
  );
}
