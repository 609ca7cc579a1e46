// Runs Stryker on core, in two passes: a mutant that tests reach is run against those; one of what is computed while a
// module loads (tables, constants) is run against all tests, and only in the second pass: otherwise the many mutants that are
// reached both ways, since tests prepare something while their file loads, would all be, which takes hours.
// Writes reports/mutation/mutation.json, which tools/check-mutants.mjs reads.

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {import("./check-mutants.mjs").Mutant} Mutant */
/** @typedef {{ files: Record<string, { source: string, mutants: Mutant[] }> }} Report */

const CONFIGURATION = "test/mutation/stryker.config.json";

/**
 * Where the mutants are that were left out of the first pass, in the form of the option `--mutate`.
 *
 * @param {Report} report
 */
export function leftOut({ files }) {
  return Object.entries(files).flatMap(([file, { mutants }]) =>
    mutants
      .filter(({ status }) => status === "Ignored")
      .filter(({ statusReason }) => statusReason?.startsWith("Static mutant"))
      .map(({ location: { start, end } }) => `${file}:${position(start)}-${position(end)}`),
  );
}

/** Columns are counted from 0 there, and from 1 in a report. @param {Mutant["location"]["start"]} place */
function position({ line, column }) {
  return `${line}:${column - 1}`;
}

/**
 * Puts what the second pass found in the place of what the first left out.
 *
 * @param {Report} first
 * @param {Report} second
 * @returns {Report}
 */
export function merge(first, second) {
  const files = Object.entries(first.files).map(([file, entry]) => {
    const found = new Map((second.files[file]?.mutants ?? []).map((mutant) => [keyOf(mutant), mutant]));
    const mutants = entry.mutants.map((mutant) =>
      mutant.status === "Ignored" ? (found.get(keyOf(mutant)) ?? mutant) : mutant,
    );
    return [file, { ...entry, mutants }];
  });
  return { ...first, files: Object.fromEntries(files) };
}

/** @param {Mutant} mutant */
function keyOf({ mutatorName, replacement, location }) {
  return JSON.stringify([mutatorName, replacement, location]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(process.argv[1]));
  const report = join(root, "reports/mutation/mutation.json");
  /** @param {string[]} options @returns {Report} */
  const stryker = (...options) => {
    const { status } = spawnSync("npx", ["stryker", "run", CONFIGURATION, ...options], { cwd: root, stdio: "inherit" });
    if (status !== 0) process.exit(status ?? 1);
    return JSON.parse(readFileSync(report, "utf8"));
  };
  const first = stryker("--ignoreStatic", ...process.argv.slice(2));
  const places = leftOut(first);
  console.log(`${places.length} mutants of what is computed while modules load are left for a second pass`);
  if (places.length > 0) writeFileSync(report, JSON.stringify(merge(first, stryker("--mutate", places.join(",")))));
}
