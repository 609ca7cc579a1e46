// Runs the tests that the tables of SECURITY.md, docs/asvs.md and docs/fapi-conformance.md name: all with `npm run promises`,
// those of some rows with `npm run promises -- 3 10.3.5 F2`. test/repository/promises.test.ts checks that every named test exists.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { join as joinPosix } from "node:path/posix";
import { fileURLToPath } from "node:url";

/** The pages with tables whose last column names the tests of each row. No two rows have the same first word. */
export const pages = ["SECURITY.md", "docs/asvs.md", "docs/fapi-conformance.md"];

/**
 * @typedef {{ file: string, name: string }} NamedTest
 * @typedef {{ id: string, cells: (readonly [column: string, text: string])[], tests: NamedTest[] }} Row
 * @typedef {{ assertionResults: { fullName: string, status: string }[], name: string }} FileResult
 */

/**
 * Reads the rows of all tables whose last column is "tests". The first word of a row identifies it, and its last cell names the
 * tests as `[file](path): "name", "name"`. Paths are relative to the page.
 *
 * @param {string} markdown
 * @param {string} page the path of the page in the repository
 * @returns {Row[]}
 */
export function rowsOf(markdown, page) {
  const tables = markdown.matchAll(/^\|(.*)\| *tests *\|\n\|[-:| ]+\|\n((?:\|.*\|(?:\n|$))*)/gm);
  return [...tables].flatMap(([, header = "", body = ""]) => {
    const columns = cellsOf(header);
    return body.split("\n").flatMap((line) => (line === "" ? [] : [rowOf(line, columns, dirname(page))]));
  });
}

/**
 * @param {string} line
 * @param {string[]} columns all but the last one
 * @param {string} folder
 * @returns {Row}
 */
function rowOf(line, columns, folder) {
  const texts = cellsOf(line.slice(1, -1));
  const [id = ""] = texts[0]?.split(" ") ?? [];
  const [, ...cells] = columns.map((column, index) => /** @type {const} */ ([column, texts[index] ?? ""]));
  return { id, cells, tests: testsOf(texts[columns.length] ?? "", folder) };
}

/**
 * @param {string} line
 */
function cellsOf(line) {
  return line.split("|").map((cell) => cell.trim());
}

/**
 * @param {string} cell
 * @param {string} folder
 * @returns {NamedTest[]}
 */
function testsOf(cell, folder) {
  const files = cell.matchAll(/\]\(([^)]+)\): ((?:"[^"]+"(?:, )?)+)/g);
  return [...files].flatMap(([, path = "", names = ""]) =>
    [...names.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => ({ file: joinPosix(folder, path), name })),
  );
}

/**
 * Lists the problems of the tables: rows in the wrong order, rows with an empty cell, and tests that do not exist. A name in a
 * table is the title of a test in the source, up to its first placeholder.
 *
 * @param {Row[]} rows
 * @param {(file: string) => string | undefined} read returns the text of a file, if it exists
 * @returns {string[]}
 */
export function problemsOf(rows, read) {
  if (rows.length === 0) return ["the table has no rows"];
  return rows.flatMap(({ id, cells, tests }, index) => [
    ...(/^\d+$/.test(id) && Number(id) !== index + 1 ? [`row ${id} is in the position of row ${index + 1}`] : []),
    ...(rows.findIndex((row) => row.id === id) === index ? [] : [`row ${id} occurs twice`]),
    ...cells.filter(([, text]) => text === "").map(([column]) => `row ${id} has no ${column}`),
    ...(tests.length === 0 ? [`row ${id} names no test`] : []),
    ...tests
      .filter(({ file, name }) => !hasTest(read(file) ?? "", name))
      .map(({ file, name }) => `row ${id}: ${file} has no test named "${name}"`),
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

/** @param {string[]} ids */
function main(ids) {
  process.chdir(fileURLToPath(new URL("..", import.meta.url)));
  const all = pages.flatMap((page) => rowsOf(readFileSync(page, "utf8"), page));
  const problems = pages.flatMap((page) =>
    problemsOf(rowsOf(readFileSync(page, "utf8"), page), (file) =>
      existsSync(file) ? readFileSync(file, "utf8") : undefined,
    ).map((problem) => `${page}: ${problem}`),
  );
  const rows = ids.length === 0 ? all : all.filter(({ id }) => ids.includes(id));
  if (rows.length === 0) problems.push(`no table has a row ${ids.join(", ")}`);
  if (problems.length > 0) {
    console.error(problems.join("\n"));
    process.exitCode = 1;
    return;
  }
  const results = runTests(rows);
  for (const row of rows) {
    const { passed, failed, skipped } = resultOf(row, results);
    console.log(`${row.id}: ${passed} passed, ${failed} failed, ${skipped} skipped: ${row.cells[0]?.[1]}`);
    if (failed > 0 || passed === 0) process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
