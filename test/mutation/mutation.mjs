// Runs the unit tests of core against its mutants, and writes reports/mutation/mutation.json, which tools/check-mutants.mjs
// reads. With arguments: against the mutants of these files only; the others stay in the report as they are.
//
// What a test reaches is counted first. Then each mutant is run against the tests that reach it: those that are named after
// its file, the other quick ones, the slow ones. What is computed while a module loads, or a test file, is no test's (tables,
// constants, what tests prepare): such a mutant is run against whole files, in a process of its own.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { argv, env, execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { inOneLine } from "../../tools/check-mutants.mjs";
import { instrument } from "./mutants.mjs";
import { isOwn, resultsIn } from "./round.mjs";

/** @typedef {import("./mutants.mjs").Mutant} Mutant */
/** @typedef {import("./round.mjs").Round} Round */

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = join(root, "reports/mutation");
const results = join(folder, "results.jsonl");
const reportFile = join(folder, "mutation.json");
const instrumentedFile = join(folder, "instrumented.json");
const SOURCES = "packages/core/src";
/** Tests that take longer, in milliseconds, come last. */
const QUICK = 100;
/** A mutant may keep a process busy for ever. */
const PROCESS_TIMEOUT = 600_000;

/** @param {string} path from the root @returns {string[]} */
function filesIn(path) {
  return readdirSync(join(root, path), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(path, name))
    .toSorted();
}

/**
 * Runs vitest for one round, and gives its exit code.
 *
 * @param {Partial<Round>} round
 * @param {{ files?: string[], options?: string[], mutant?: string }} [more]
 * @returns {Promise<number>}
 */
async function vitest(round, { files = [], options = [], mutant } = {}) {
  const roundFile = join(folder, `round-${round.kind}${mutant ?? ""}.json`);
  writeFileSync(roundFile, JSON.stringify({ ...round, results, instrumented: instrumentedFile }));
  const args = ["run", "--config", "test/mutation/vitest.config.ts", ...options, ...files];
  const child = spawn(execPath, [join(root, "node_modules/vitest/vitest.mjs"), ...args], {
    cwd: root,
    env: { ...env, MUTATION_ROUND: roundFile, ...(mutant !== undefined && { __STRYKER_ACTIVE_MUTANT__: mutant }) },
    stdio: ["ignore", "ignore", "ignore"],
    timeout: mutant === undefined ? 0 : PROCESS_TIMEOUT,
    killSignal: "SIGKILL",
  });
  const code = await new Promise((resolve) => {
    child.on("close", resolve);
  });
  rmSync(roundFile);
  return code ?? 1;
}

/** @param {string} what */
function say(what) {
  console.log(`${new Date().toTimeString().slice(0, 8)} ${what}`);
}

const earlier = existsSync(reportFile) ? JSON.parse(readFileSync(reportFile, "utf8")).files : {};
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const given = argv.slice(2).map((path) => relative(root, join(process.cwd(), path)));
const { mutants, instrumented } = await instrument(root, given.length > 0 ? given : filesIn(SOURCES));
writeFileSync(instrumentedFile, JSON.stringify(instrumented));
/** @type {Map<string, Mutant>} */
const alive = new Map(mutants.filter(({ status }) => status === undefined).map((mutant) => [mutant.id, mutant]));
const wanted = new Set(alive.keys());
/** @type {Set<string>} */
const explained = new Set(
  JSON.parse(readFileSync(join(root, "test/mutation/survivors.json"), "utf8")).map(
    (/** @type {any} */ { file, replacement }) => JSON.stringify([file, replacement]),
  ),
);
say(`${alive.size} mutants; counting what the tests reach`);

await vitest({ kind: "reach" });
const counted = resultsIn(results);
const broken = counted.filter((result) => result.broken !== undefined);
for (const { by } of broken) say(`left out, since it fails without a mutant: ${by}`);
/** @type {Round["reached"]} */
const reached = Object.fromEntries(
  counted
    .filter((result) => result.reached !== undefined)
    .map((/** @type {any} */ result) => [result.reached, { ms: result.ms, mutants: result.mutants }]),
);
const byTests = new Set(Object.values(reached).flatMap((test) => test.mutants));
const byLoading = new Set(counted.flatMap((result) => result.loaded ?? []));

/** @param {string} test as the runner names it */
function fileOf(test) {
  return relative(root, test.slice(0, test.indexOf(" > ")));
}

/** Takes away what was killed. */
function bury() {
  for (const { killed } of resultsIn(results)) alive.delete(killed);
}

for (const { own, slowest } of [
  { own: true, slowest: QUICK },
  { own: false, slowest: QUICK },
  { own: false, slowest: Number.MAX_SAFE_INTEGER },
]) {
  const rest = [...alive.values()].filter(({ id }) => byTests.has(id));
  if (rest.length === 0) continue;
  say(`${rest.length} mutants against ${own ? "their own" : "all"} ${slowest === QUICK ? "quick tests" : "tests"}`);
  const targets = Object.fromEntries(rest.map(({ id, fileName }) => [id, fileName]));
  const useful = Object.entries(reached).filter(
    ([test, { ms, mutants: ids }]) =>
      ms <= slowest && ids.some((id) => id in targets && (!own || isOwn(fileOf(test), targets[id] ?? ""))),
  );
  const files = [...new Set(useful.map(([test]) => fileOf(test)))];
  if (files.length > 0) await vitest({ kind: "kill", mutants: targets, reached, own, slowest }, { files });
  bury();
}

const tests = filesIn("packages/core/test").filter((path) => path.endsWith(".test.ts"));
const waiting = [...alive.values()].filter(
  ({ id, fileName, replacement }) =>
    byLoading.has(id) && !(byTests.has(id) && explained.has(JSON.stringify([fileName, inOneLine(replacement)]))),
);
say(`${waiting.length} mutants of what is computed while modules load, each in a process of its own`);
const inTurn = async () => {
  for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
    const { id, fileName } = mutant;
    const options = ["--bail", "1", "--maxWorkers", "1"];
    const own = tests.filter((path) => isOwn(path, fileName));
    const fails = async (/** @type {string[]} */ files) =>
      (await vitest({ kind: "load" }, { files, options, mutant: id })) !== 0;
    if ((own.length > 0 && (await fails(own))) || (await fails([]))) alive.delete(id);
  }
};
await Promise.all([inTurn(), inTurn()]);

/** @param {Mutant} mutant */
function statusOf({ id, status }) {
  if (status !== undefined) return status;
  if (!alive.has(id)) return "Killed";
  return byTests.has(id) || byLoading.has(id) ? "Survived" : "NoCoverage";
}

/** A report counts from 1. @param {import("./mutants.mjs").Position} position */
function counted1({ line, column }) {
  return { line: line + 1, column: column + 1 };
}

const files = Object.keys(instrumented).map((file) => [
  file,
  {
    language: "typescript",
    source: readFileSync(join(root, file), "utf8"),
    mutants: mutants
      .filter(({ fileName }) => fileName === file)
      .map((mutant) => ({
        id: mutant.id,
        mutatorName: mutant.mutatorName,
        replacement: mutant.replacement,
        status: statusOf(mutant),
        statusReason: mutant.statusReason,
        location: { start: counted1(mutant.location.start), end: counted1(mutant.location.end) },
      })),
  },
]);
const all = { ...(given.length > 0 && earlier), ...Object.fromEntries(files) };
writeFileSync(reportFile, JSON.stringify({ schemaVersion: "2", thresholds: { high: 95, low: 90 }, files: all }));
const uncertain = resultsIn(results).filter((result) => result.broken !== undefined);
for (const { broken: mutant, by } of uncertain) say(`${by} fails after mutant ${mutant}, without it`);
say(`${wanted.size - alive.size} of ${wanted.size} mutants were killed`);
