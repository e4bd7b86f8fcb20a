/** Compares anyk with its peers on this machine: `npm run bench -- --help`. */
import { runBench } from "./bench.ts";
import { parseOptions, USAGE } from "./options.ts";

const controller = new AbortController();
process.once("SIGINT", () => {
  process.stderr.write("\nStopping after the present product; Ctrl-C again ends at once.\n");
  process.once("SIGINT", () => process.exit(130));
  controller.abort(new Error("interrupted"));
});
try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(USAGE);
  else await runBench(options, controller.signal);
  process.exit(0); // Dawn's instances would keep the process alive
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof Error && !controller.signal.aborted && process.env.DEBUG) {
    process.stderr.write(`${error.stack}\n`);
  }
  process.exit(controller.signal.aborted ? 130 : 1);
}
