/** A size for people: "640 bytes", "1.5 MiB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${trimmed(value, value < 100 ? 1 : 0)} ${units[unit]}`;
}

/** A time for people, to about three digits: "0.42 ms", "143 ms", "1.25 s", "3 min 5 s". */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return "forever";
  if (ms < 9.995) return `${trimmed(ms, 2)} ms`;
  if (ms < 99.95) return `${trimmed(ms, 1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 9_995) return `${trimmed(ms / 1000, 2)} s`;
  if (ms < 99_950) return `${trimmed(ms / 1000, 1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** A relative error or a factor, to two digits: "0.012", "3.1e-7", "0". */
export function formatRatio(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 0.001 && size < 1000) return String(Number(value.toPrecision(2)));
  return value.toExponential(1).replace(".0e", "e").replace("e+", "e");
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
