// Benchmarks: npm run bench -- [--quick] [--only NAME,NAME] [--json FILE]
// All figures are ratios within one run. The machine's load is printed because it affects them.

import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { certificates, tokens } from "./in-process.mjs";
import { isMet, print } from "./report.mjs";
import { coldStart, memory, scaling } from "./start-and-size.mjs";
import { wholeRequests } from "./whole-requests.mjs";

const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, only: { type: "string" }, json: { type: "string" } },
});
const rounds = values.quick ? 5 : 31;

/** @type {Record<string, () => Promise<readonly import("./report.mjs").Table[]>>} */
const sections = {
  RS256: () => tokens("RS256", rounds),
  ES256: () => tokens("ES256", rounds),
  certificates: () => certificates(rounds),
  start: () => coldStart(rounds),
  memory: () => memory(),
  scaling: () => scaling(rounds),
  requests: () => wholeRequests(values.quick ? 1 : 5),
};

const names = values.only?.split(",") ?? Object.keys(sections);
const machine = `${cpus().length} x ${cpus()[0]?.model}, Node ${process.version}`;
console.log(`${machine}, load ${currentLoad()} before`);
const tables = [];
for (const name of names) {
  const section = sections[name];
  if (section === undefined)
    throw new Error(`unknown section ${name}; expected one of ${Object.keys(sections).join(", ")}`);
  for (const table of await section()) {
    print(table);
    tables.push(table);
  }
}
const load = currentLoad();
console.log(`\nload ${load} after (including 1 for the benchmark itself, 2 with whole requests)`);
const verdicts = tables.flatMap(({ rows }) => rows.map(isMet)).filter((met) => met !== undefined);
console.log(`${verdicts.filter(Boolean).length} of ${verdicts.length} targets met`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, load, tables }, null, 2)}\n`);

function currentLoad() {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(" ");
}
