/**
 * Starts one contender in this process, has it multiply twice, and prints how long each step took, as
 * JSON. Dawn and its driver are loaded before the clock starts: they are the same for everybody.
 *
 *   tsx bench/startup-child.ts NAME DEVICE SIZE
 */
import { openDevice } from "../src/kernels/index.ts";
import { errorByBound } from "./check.ts";
import { peerSources } from "./contenders.ts";
import { openBenchDevices } from "./devices.ts";
import { ANYK } from "./names.ts";
import { randomOperands } from "./operands.ts";
import { anykContender } from "./peers/anyk.ts";

const [name = "", device = "auto", size = "256"] = process.argv.slice(2);
const side = Number(size);
if (device !== "auto" && device !== "gpu" && device !== "software") {
  throw new Error(`DEVICE must be auto, gpu or software, got ${device}`);
}
await openBenchDevices(device);
const open =
  name === ANYK
    ? async () => anykContender({ name, device: await openDevice({ device }) })
    : peerSources().find((source) => source.name === name)?.open;
if (!open) throw new Error(`there is no contender ${name}`);

const operands = randomOperands({ m: side, k: side, n: side });
const marks = [performance.now()];
const contender = await open();
marks.push(performance.now());
const job = await contender.prepare(
  operands,
  contender.copies.includes("host") ? "host" : "resident",
);
await job.run(1);
marks.push(performance.now());
await job.run(1);
marks.push(performance.now());
const error = errorByBound(operands, await job.read());
if (!(error <= 1)) throw new Error(`wrong product: ${error} times the error bound`);

const [openMs, firstMs, secondMs] = marks.slice(1).map((mark, i) => mark - marks[i]!);
process.stdout.write(`${JSON.stringify({ openMs, firstMs, secondMs })}\n`);
process.exit(0);
