/** The program in README.md, which the tests hold against this file. */
import { createEngine, faulty, matrix, polynomial } from "../src/index.ts";

await using machine = await createEngine({ workers: 6 }); // a GPU if there is one, else CPU threads
const a = matrix(300, 200, Float32Array.from({ length: 60_000 }, Math.random));
const b = matrix(200, 400, Float32Array.from({ length: 80_000 }, Math.random));

const code = polynomial({ partition: { m: 2, n: 2 }, tasks: 6 }); // any 4 of 6 products suffice
const workers = machine.workers.map((worker, i) =>
  i < 2 ? faulty(worker, { kind: "silent" }) : worker,
);
await using engine = await createEngine({ workers });
const { c, error, used, stragglers } = await engine.multiply(a, b, { code, verify: true });
console.log(`C is ${c.rows}×${c.cols}, made of tasks ${used}; error at most ${error.bound}`);
console.log(`${stragglers.length} workers never answered`);
