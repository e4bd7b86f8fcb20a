/** Says on stderr what is going on: one line that is overwritten on a terminal, lines elsewhere. */
export interface Progress {
  step(text: string): void;
  /** Stays visible. */
  note(text: string): void;
  end(): void;
}

export function stderrProgress(): Progress {
  const begin = performance.now();
  const { stderr } = process;
  const clock = () => `${((performance.now() - begin) / 1000).toFixed(0).padStart(4)} s  `;
  const clear = stderr.isTTY ? "\r\x1b[2K" : "";
  const fit = (text: string) => (stderr.isTTY ? text.slice(0, (stderr.columns ?? 80) - 1) : text);
  return {
    step: (text) => void stderr.write(`${clear}${fit(clock() + text)}${stderr.isTTY ? "" : "\n"}`),
    note: (text) => void stderr.write(`${clear}${clock()}${text}\n`),
    end: () => void stderr.write(clear),
  };
}
