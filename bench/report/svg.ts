/** @file The little SVG that plots are made of. Strings only, so that it runs anywhere. */

/** Text for an element or an attribute. */
export function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

type Attributes = Readonly<Record<string, string | number>>;

/** One element; numbers keep one decimal. */
export function element(name: string, attributes: Attributes, content = ""): string {
  const list = Object.entries(attributes).map(([key, value]) => {
    const text = typeof value === "number" ? String(Math.round(value * 10) / 10) : value;
    return ` ${key}="${escapeText(text)}"`;
  });
  return `<${name}${list.join("")}>${content}</${name}>`;
}

export function label(x: number, y: number, text: string, attributes: Attributes = {}): string {
  return element("text", { x, y, ...attributes }, escapeText(text));
}

/** A plot with its title, said to those who do not see it, too. */
export function picture(
  size: { readonly width: number; readonly height: number },
  title: string,
  content: readonly string[],
): string {
  return element(
    "svg",
    {
      viewBox: `0 0 ${size.width} ${size.height}`,
      role: "img",
      "aria-label": title,
      class: "plot",
    },
    content.join(""),
  );
}

/** A mark whose shape tells the series as its colour does. */
export function mark(x: number, y: number, series: number): string {
  const r = 3.6;
  const attributes = { class: `mark s${series}` };
  const polygon = (...points: readonly (readonly [number, number])[]) =>
    element("polygon", {
      ...attributes,
      points: points.map(([dx, dy]) => `${(x + dx).toFixed(1)},${(y + dy).toFixed(1)}`).join(" "),
    });
  switch (series % 4) {
    case 0:
      return element("circle", { ...attributes, cx: x, cy: y, r });
    case 1:
      return element("rect", { ...attributes, x: x - r, y: y - r, width: 2 * r, height: 2 * r });
    case 2:
      return polygon([0, -r - 1], [r + 1, r], [-r - 1, r]);
    default:
      return polygon([0, -r - 1.5], [r + 1.5, 0], [0, r + 1.5], [-r - 1.5, 0]);
  }
}
