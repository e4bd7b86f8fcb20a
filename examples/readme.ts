/** The program in README.md, which the tests hold against this file. */
import { createEngine, faulty, matrix, polynomial } from "../src/index.ts";

const a = matrix(300, 200, Float32Array.from({ length: 60_000 }, Math.random));
const b = matrix(200, 400, Float32Array.from({ length: 80_000 }, Math.random));

// Six workers: a GPU's queue if there is one, else CPU threads. The code is chosen to fit.
await using machine = await createEngine({ workers: 6 });
const { c, error } = await machine.multiply(a, b);
console.log(`C is ${c.rows}×${c.cols}, off by ${error.relative.toExponential(1)} of its size`);

// The same, with a code of which any 4 of 6 products suffice, and two workers that never answer.
const code = polynomial({ partition: { m: 2, n: 2 }, tasks: 6 });
const workers = machine.workers.map((worker, i) =>
  i < 2 ? faulty(worker, { kind: "silent" }) : worker,
);
await using engine = await createEngine({ workers });
const { used, stragglers } = await engine.multiply(a, b, { code, verify: true });
console.log(`made of tasks ${used}; ${stragglers.length} workers never answered`);
