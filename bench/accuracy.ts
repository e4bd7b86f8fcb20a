/**
 * How much of float32 each code keeps: the error that was measured and the one that was predicted,
 * relative to ‖A·B‖, for random matrices of 240×240 and the products that arrive first.
 *
 *   npm run bench:accuracy
 */
import { cpus } from "node:os";
import {
  type Code,
  createEngine,
  type Matrix,
  matdot,
  matrix,
  polynomial,
  seededRandom,
  uncoded,
} from "../src/index.ts";

const SIZE = 240;
const RUNS = 15;
const codes: readonly Code[] = [
  uncoded({ partition: { m: 2, k: 1, n: 2 } }),
  polynomial({ partition: { m: 2, n: 2 }, tasks: 6 }),
  polynomial({ partition: { m: 3, n: 3 }, tasks: 12 }),
  polynomial({ partition: { m: 4, n: 4 }, tasks: 20 }),
  matdot({ parts: 2, tasks: 5 }),
  matdot({ parts: 4, tasks: 10 }),
  matdot({ parts: 6, tasks: 14 }),
  matdot({ parts: 8, tasks: 18 }),
];

const random = seededRandom("accuracy");
const [cpu] = cpus();
console.log(
  `${SIZE}×${SIZE}, median of ${RUNS} (min–max); ${cpu?.model ?? "unknown CPU"}, Node ${process.version}\n`,
);
console.log(row("code", "needs", "measured", "", "predicted"));
await using engine = await createEngine({ device: "cpu", workers: 2 });
for (const code of codes) {
  const measured: number[] = [];
  const predicted: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const [a, b] = [randomMatrix(), randomMatrix()];
    const { c, error } = await engine.multiply(a, b, { code });
    measured.push(relativeError(a, b, c));
    predicted.push(error.predicted);
  }
  measured.sort((p, q) => p - q);
  predicted.sort((p, q) => p - q);
  const [least, most] = [measured[0]!, measured.at(-1)!];
  console.log(
    row(
      code.name.replace(", points=chebyshev", ""),
      `${code.recoveryThreshold} of ${code.tasks}`,
      digits(measured[RUNS >> 1]!),
      `(${digits(least)}–${digits(most)})`,
      digits(predicted[RUNS >> 1]!),
    ),
  );
}

function randomMatrix(): Matrix {
  return matrix(
    SIZE,
    SIZE,
    Float32Array.from({ length: SIZE * SIZE }, () => 2 * random() - 1),
  );
}

/** Against a product in float64. */
function relativeError(a: Matrix, b: Matrix, c: Matrix): number {
  let off = 0;
  let size = 0;
  const line = new Float64Array(SIZE);
  for (let i = 0; i < SIZE; i++) {
    line.fill(0);
    for (let l = 0; l < SIZE; l++) {
      const left = a.data[i * SIZE + l]!;
      for (let j = 0; j < SIZE; j++) line[j]! += left * b.data[l * SIZE + j]!;
    }
    for (let j = 0; j < SIZE; j++) {
      off += (c.data[i * SIZE + j]! - line[j]!) ** 2;
      size += line[j]! ** 2;
    }
  }
  return Math.sqrt(off / size);
}

function row(name: string, ...cells: readonly string[]): string {
  return name.padEnd(30) + cells.map((cell) => cell.padEnd(18)).join("");
}

function digits(value: number): string {
  return value.toExponential(1);
}
