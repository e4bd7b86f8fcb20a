import { ANYK, ANYK_UNCHECKED, UNCHECKED_PEER } from "./names.ts";
import type { Bar, BenchRecord, Copies, GemmRow, Shape } from "./record.ts";
import { geometricMean } from "./statistics.ts";

type Measured = Omit<BenchRecord, "bars">;

/** What anyk promises about speed, held against one run. */
export function barsOf(record: Measured): Bar[] {
  return [
    ...peerBars(record),
    oddBar(record),
    ...combineBars(record),
    codedBar(record),
    tuningBar(record),
    ...peakBars(record),
    errorBar(record),
  ];
}

/** anyk by the fastest WebGPU peer, like with like: who checks no bounds meets anyk without checks. */
function peerBars(record: Measured): Bar[] {
  const { slug, software } = record.adapter;
  const [sizes, need] =
    slug === "swiftshader" ? [[256, 512], 2] : software ? [[512, 1024], 3] : [[1024, 4096], 1];
  return (["resident", "host"] as const).flatMap((copies) =>
    (sizes as number[]).map((size) => {
      const shape = { m: size, k: size, n: size };
      const peers = record.gemm.filter(
        (row) => row.group === "webgpu" && row.gflops && isAt(row, shape, copies),
      );
      const ratios = peers.flatMap((peer) => {
        const own = peer.contender === UNCHECKED_PEER ? ANYK_UNCHECKED : ANYK;
        const rate = rateOf(record, shape, own, copies);
        return rate ? [{ name: peer.contender, ratio: rate / peer.gflops! }] : [];
      });
      const worst = ratios.toSorted((p, q) => p.ratio - q.ratio)[0];
      const where = copies === "resident" ? "on the device" : "host to host";
      return bar({
        title: `anyk ÷ best WebGPU peer, N = ${size}, ${where}`,
        value: worst?.ratio,
        need: need as number,
        direction: "at least",
        detail: ratios.map(({ name, ratio }) => `${name} ${ratio.toFixed(2)}`).join(", "),
      });
    }),
  );
}

function oddBar({ odd: row }: Measured): Bar {
  return bar({
    title: "509×1021×257 ÷ 512×1024×256, per operation",
    value: row?.ratio.median,
    need: 0.85,
    direction: "at least",
    detail: row
      ? `${row.oddGflops.toFixed(2)} and ${row.evenGflops.toFixed(2)} GFLOP/s in turns; ` +
        `quartiles ${row.ratio.q1.toFixed(2)} to ${row.ratio.q3.toFixed(2)}`
      : "",
  });
}

/**
 * Against the bandwidth that a shader can have, and against the driver's own copy. On GPUs the two are
 * one; software drivers move each float of a shader by itself, and copy whole buffers by `memcpy`.
 */
function combineBars({ combine }: Measured): Bar[] {
  const row = combine.find(({ inputs, outputs }) => inputs === 6 && outputs === 8);
  const against = (what: string, copyGbPerSecond: number | undefined) =>
    bar({
      title: `combine 6 to 8 ÷ device copy by ${what}, bytes a second`,
      value: row && copyGbPerSecond && row.gbPerSecond / copyGbPerSecond,
      need: 0.8,
      direction: "at least",
      detail:
        row && copyGbPerSecond
          ? `${row.gbPerSecond.toFixed(1)} and ${copyGbPerSecond.toFixed(1)} GB/s`
          : "",
    });
  return [
    against("the fastest shader", row?.shaderCopyGbPerSecond),
    against("copyBufferToBuffer", row?.copyGbPerSecond),
  ];
}

function codedBar({ coded, adapter }: Measured): Bar {
  const row = coded.find(
    ({ how, size, code }) => how === "stages" && size === 2048 && code.startsWith("matdot"),
  );
  const share = row && (row.encodeSeconds + row.decodeSeconds) / codedTotal(row);
  const title = "encode and decode as a share of a coded product, N = 2048, MatDot 3 of 7";
  const detail = row
    ? `${ms(row.encodeSeconds)} and ${ms(row.decodeSeconds)} of ${ms(codedTotal(row))}`
    : "";
  const need = adapter.software ? 0.1 : null;
  return bar({ title, value: share, need, direction: "at most", detail });
}

function tuningBar({ tuning }: Measured): Bar {
  const mean = tuning.length > 0 ? geometricMean(tuning.map(({ ratio }) => ratio)) : undefined;
  return bar({
    title: "auto-chosen kernel and tile ÷ best of the sweep, geometric mean",
    value: mean,
    need: 0.92,
    direction: "at least",
    detail: `${tuning.length} shapes`,
  });
}

const H200_F32_TFLOPS = 67;

/** On GPUs: the fraction of the card's peak. */
function peakBars(record: Measured): Bar[] {
  if (record.adapter.software) return [];
  const peak = record.reference?.peakTflops?.f32 ?? H200_F32_TFLOPS;
  return [4096, 8192].map((size) => {
    const rate = rateOf(record, { m: size, k: size, n: size }, ANYK, "resident");
    return bar({
      title: `f32 TFLOP/s ÷ ${peak}, N = ${size}`,
      value: rate && rate / 1000 / peak,
      need: null,
      direction: "at least",
      detail: rate ? `${(rate / 1000).toFixed(1)} TFLOP/s` : "",
    });
  });
}

function errorBar({ gemm, combine }: Measured): Bar {
  const errors = [
    ...gemm.filter(({ group }) => group === "anyk").flatMap(({ error }) => error ?? []),
    ...combine.map(({ error }) => error),
  ];
  return bar({
    title: "anyk's largest error ÷ its bound (of large products the error along random signs)",
    value: errors.length > 0 ? Math.max(...errors) : undefined,
    need: 1,
    direction: "at most",
    detail: `${errors.length} results`,
  });
}

/** Seconds of a coded product from end to end. */
export function codedTotal(row: BenchRecord["coded"][number]): number {
  const { encodeSeconds, transferSeconds, computeSeconds, decodeSeconds, otherSeconds } = row;
  return encodeSeconds + transferSeconds + computeSeconds + decodeSeconds + otherSeconds;
}

function bar(about: {
  readonly title: string;
  readonly value: number | undefined;
  readonly need: number | null;
  readonly direction: Bar["direction"];
  readonly detail: string;
}): Bar {
  const { value = null, need, direction } = about;
  const status = (): Bar["status"] => {
    if (value === null) return "not measured";
    if (need === null) return "information";
    return (direction === "at least" ? value >= need : value <= need) ? "pass" : "fail";
  };
  return { ...about, value, status: status() };
}

function rateOf(
  { gemm }: Measured,
  shape: Shape,
  contender: string,
  copies: Copies,
): number | undefined {
  return gemm.find((row) => row.contender === contender && isAt(row, shape, copies))?.gflops;
}

function isAt(row: GemmRow, { m, k, n }: Shape, copies: Copies): boolean {
  const { shape } = row;
  return row.copies === copies && shape.m === m && shape.k === k && shape.n === n;
}

function ms(seconds: number): string {
  return `${(seconds * 1000).toFixed(0)} ms`;
}
