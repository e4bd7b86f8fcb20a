import { escapeText } from "./svg.ts";

/** A plot that scrolls by itself on a narrow page, with its caption; "" where there is no plot. */
export function figure(plot: string, caption: string): string {
  if (plot === "") return "";
  const text = escapeText(caption);
  return (
    `<figure><div class="scroll" tabindex="0" role="region" aria-label="Plot">${plot}</div>` +
    `<figcaption>${text}</figcaption></figure>`
  );
}
