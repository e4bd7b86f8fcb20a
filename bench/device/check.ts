/** Whether this device computes what its plans promise: see README.md beside this file. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CHECK_USAGE, type CheckArguments, parseCheck } from "./arguments.ts";
import { combineGroups } from "./check-combine.ts";
import { compileGroups } from "./check-compile.ts";
import { gemmGroups } from "./check-gemm.ts";
import { type CheckGroup, groupLines, runGroup } from "./check-runner.ts";
import { factsOf, openWished, titleOf } from "./open.ts";
import type { CheckRecord, Facts, GroupResult } from "./record.ts";

try {
  const wish = parseCheck(process.argv.slice(2));
  if (wish.help) {
    process.stdout.write(CHECK_USAGE);
    process.exit(0);
  }
  const { failed, skipped, passed } = await check(wish);
  console.log(
    `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped for want of time` : ""}`,
  );
  process.exit(failed === 0 && passed > 0 ? 0 : 1); // Dawn's instances would keep the process alive
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(2);
}

async function check(wish: CheckArguments): Promise<CheckRecord> {
  const now = () => performance.now();
  const endMs = now() + wish.budgetMs;
  const { groups: all, facts } = await groupsFor(wish);
  const groups = all.filter(({ name }) => name.includes(wish.only));
  const results: GroupResult[] = [];
  let casesLeft = groups.reduce((sum, { cases }) => sum + cases.length, 0);
  for (const group of groups) {
    // Twice its share: what one group does not need another may have.
    const shareMs = ((endMs - now()) * group.cases.length) / casesLeft;
    const deadlineMs = Math.min(endMs, now() + 2 * shareMs);
    const result = await runGroup(group, { now, deadlineMs });
    console.log(groupLines(result));
    results.push(result);
    casesLeft -= group.cases.length;
    // After every group: should something hang, what was found by then is there.
    save(recordOf(results, facts), wish.out);
  }
  return recordOf(results, facts);
}

function recordOf(results: readonly GroupResult[], facts: Facts | undefined): CheckRecord {
  const total = (of: (result: GroupResult) => number) =>
    results.reduce((sum, result) => sum + of(result), 0);
  return {
    format: "anyk-device-check/1",
    ...facts,
    groups: [...results],
    passed: total(({ passed }) => passed),
    failed: total(({ failures }) => failures.length),
    skipped: total(({ skipped }) => skipped),
  };
}

function save(record: CheckRecord, out: string | undefined): void {
  if (out === undefined) return;
  mkdirSync(out, { recursive: true });
  writeFileSync(path.join(out, "check.json"), `${JSON.stringify(record, undefined, 1)}\n`);
}

/** What matters most comes first: time may run out. */
async function groupsFor(
  wish: CheckArguments,
): Promise<{ readonly groups: readonly CheckGroup[]; readonly facts?: Facts }> {
  if (wish.compileOnly) return { groups: await compileGroups(wish) };
  const device = await openWished(wish.device);
  const facts = factsOf(device, wish.device);
  console.log(titleOf(facts));
  const gemm = gemmGroups(device, wish);
  const isMatrix = ({ name }: CheckGroup) => name.endsWith(" matrix");
  const groups = [
    ...gemm.filter(isMatrix),
    ...combineGroups(device),
    ...gemm.filter((group) => !isMatrix(group)),
  ];
  return { groups, facts };
}
