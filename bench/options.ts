import { parseArgs } from "node:util";
import type { DeviceWish } from "./devices.ts";

const SUITES = ["gemm", "odd", "tuning", "combine", "coded", "startup"] as const;
export type Suite = (typeof SUITES)[number];

export interface BenchOptions {
  readonly quick: boolean;
  readonly device: DeviceWish;
  readonly only: readonly Suite[];
  readonly peers: boolean;
  /** Folder of the results; one folder an adapter is made in it. */
  readonly out: string;
  /** A file with figures from elsewhere. */
  readonly reference?: string;
  readonly help: boolean;
}

export const USAGE = `npm run bench -- [options]

  --quick            a few minutes: small shapes, few rounds
  --device KIND      auto, gpu or software; default auto
  --only LIST        some of ${SUITES.join(",")}; default all
  --no-peers         anyk alone
  --out FOLDER       default bench/results
  --reference FILE   JSON with figures from elsewhere (cuBLAS, peaks) to put beside these
  --help
`;

/**
 * Reads the command line.
 *
 * @throws {Error} that names the argument and what it may be.
 */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      quick: { type: "boolean", default: false },
      device: { type: "string", default: "auto" },
      only: { type: "string", default: SUITES.join(",") },
      peers: { type: "boolean", default: true },
      out: { type: "string", default: "bench/results" },
      reference: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const { device, reference } = values;
  if (device !== "auto" && device !== "gpu" && device !== "software") {
    throw new Error(`--device must be auto, gpu or software, got ${device}`);
  }
  const only = values.only.split(",").map((name) => {
    const suite = SUITES.find((each) => each === name.trim());
    if (!suite) throw new Error(`--only takes some of ${SUITES.join(",")}, got ${name}`);
    return suite;
  });
  const { quick, peers, out, help } = values;
  return { quick, device, only, peers, out, help, ...(reference ? { reference } : {}) };
}
