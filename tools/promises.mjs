// Runs the tests that the table of promises in SECURITY.md names: all with `npm run promises`, those of two rows with
// `npm run promises -- 3 5`. test/repository/promises.test.ts checks that every named test exists.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const HEADING = "## The promises and their tests";

/**
 * @typedef {{ file: string, name: string }} NamedTest
 * @typedef {{ number: number, promise: string, dependsOn: string, tests: NamedTest[] }} Row
 * @typedef {{ assertionResults: { fullName: string, status: string }[], name: string }} FileResult
 */

/**
 * Reads the rows of the table: number, promise, dependencies, and tests as `[file](path): "name", "name"`.
 *
 * @param {string} markdown
 * @returns {Row[]}
 */
export function promisesOf(markdown) {
  const section = markdown.split(`${HEADING}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...section.matchAll(/^\| *(\d+) *\|([^|]*)\|([^|]*)\|([^|]*)\|$/gm)].map(
    ([, number, promise = "", dependsOn = "", tests = ""]) => ({
      number: Number(number),
      promise: promise.trim(),
      dependsOn: dependsOn.trim(),
      tests: testsOf(tests),
    }),
  );
}

/**
 * @param {string} cell
 * @returns {NamedTest[]}
 */
function testsOf(cell) {
  const files = cell.matchAll(/\]\(([^)]+)\): ((?:"[^"]+"(?:, )?)+)/g);
  return [...files].flatMap(([, file = "", names = ""]) =>
    [...names.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => ({ file, name })),
  );
}

/**
 * Lists the problems of the table: rows in the wrong order, rows with an empty cell, and tests that do not exist. A name in the table
 * is the name in the source, or the part of it before the first placeholder.
 *
 * @param {Row[]} rows
 * @param {(file: string) => string | undefined} read returns the text of a file, if it exists
 * @returns {string[]}
 */
export function problemsOf(rows, read) {
  if (rows.length === 0) return ["the table has no rows"];
  return rows.flatMap(({ number, promise, dependsOn, tests }, index) => [
    ...(number === index + 1 ? [] : [`row ${number} is in the position of row ${index + 1}`]),
    ...(promise === "" ? [`row ${number} has no promise`] : []),
    ...(dependsOn === "" ? [`row ${number} has no dependencies`] : []),
    ...(tests.length === 0 ? [`row ${number} names no test`] : []),
    ...tests
      .filter(({ file, name }) => !hasTest(read(file) ?? "", name))
      .map(({ file, name }) => `row ${number}: ${file} has no test named "${name}"`),
  ]);
}

/**
 * @param {string} source
 * @param {string} name
 */
function hasTest(source, name) {
  return ['"', "`"].some((quote) =>
    [quote, "$", "%"].some((end) => source.includes(`${quote}${name}${end === quote ? end : ` ${end}`}`)),
  );
}

/** @param {Row[]} rows */
function runTests(rows) {
  const tests = rows.flatMap((row) => row.tests);
  const folder = mkdtempSync(join(tmpdir(), "promises-"));
  const report = join(folder, "report.json");
  const pattern = tests.map(({ name }) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  const files = [...new Set(tests.map(({ file }) => file))];
  const options = ["--config", "test/vitest.config.ts", "--reporter=json", `--outputFile=${report}`, "-t", pattern];
  try {
    spawnSync("npx", ["vitest", "run", ...options, ...files], { stdio: ["ignore", "ignore", "inherit"] });
    /** @type {{ testResults: FileResult[] }} */
    const { testResults } = JSON.parse(readFileSync(report, "utf8"));
    return testResults;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Counts the results of the tests of a row. A named test that did not run counts as failed.
 *
 * @param {Row} row
 * @param {FileResult[]} results
 */
export function resultOf({ tests }, results) {
  const statuses = tests.map(({ file, name }) =>
    results
      .filter((result) => relative(process.cwd(), result.name) === file)
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ fullName }) => fullName.includes(name))
      .map(({ status }) => status),
  );
  const all = statuses.flat();
  const count = (/** @type {string} */ status) => all.filter((each) => each === status).length;
  const passed = count("passed");
  const skipped = count("skipped") + count("pending");
  const failed = all.length - passed - skipped + statuses.filter((each) => each.length === 0).length;
  return { passed, failed, skipped };
}

/** @param {string[]} numbers */
function main(numbers) {
  process.chdir(fileURLToPath(new URL("..", import.meta.url)));
  const all = promisesOf(readFileSync("SECURITY.md", "utf8"));
  const problems = problemsOf(all, (file) => (existsSync(file) ? readFileSync(file, "utf8") : undefined));
  const rows = numbers.length === 0 ? all : all.filter(({ number }) => numbers.includes(String(number)));
  if (rows.length === 0) problems.push(`the table does not have row ${numbers.join(", ")}`);
  if (problems.length > 0) {
    console.error(problems.join("\n"));
    process.exitCode = 1;
    return;
  }
  const results = runTests(rows);
  for (const row of rows) {
    const { passed, failed, skipped } = resultOf(row, results);
    console.log(`${row.number}: ${passed} passed, ${failed} failed, ${skipped} skipped: ${row.promise}`);
    if (failed > 0 || passed === 0) process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
