import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { pages, problemsOf, resultOf, rowsOf } from "../../tools/promises.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));

function read(file: string): string | undefined {
  return existsSync(join(root, file)) ? readFileSync(join(root, file), "utf8") : undefined;
}

test.each(pages)("every row of the tables in %s names tests that exist", (page) => {
  expect(problemsOf(rowsOf(read(page) ?? "", page), read)).toEqual([]);
});

test("every promise of SECURITY.md is read as a row", () => {
  const [, section = ""] = read("SECURITY.md")?.split("## The promises and their tests\n") ?? [];
  expect(section.match(/^\| \d/gm)).toHaveLength(rowsOf(section, "SECURITY.md").length);
});

test("no two rows of the pages have the same number", () => {
  const numbers = pages.flatMap((page) => rowsOf(read(page) ?? "", page).map(({ id }) => id));
  expect(numbers).toEqual([...new Set(numbers)]);
});

test("docs/asvs.md has a row for every requirement of V9 and V10.3", () => {
  const numbers = rowsOf(read("docs/asvs.md") ?? "", "docs/asvs.md").map(({ id }) => id);
  const requirements = { "9.1": 3, "9.2": 4, "10.3": 5 };
  const expected = Object.entries(requirements).flatMap(([section, count]) =>
    Array.from({ length: count }, (_, index) => `${section}.${index + 1}`),
  );
  expect(numbers).toEqual(expected);
});

const source = 'test("rejects a stolen token", () => {});\ntest.each(modes)("accepts the mode %s", () => {});';

function problemsIn(...rows: readonly string[]): readonly string[] {
  const table = ["| | promise | depends on | tests |", "|---|---|---|---|", ...rows].join("\n");
  const markdown = `## Promises\n\n| | limit |\n|---|---|\n| 1 | 5 s |\n\n${table}\n\n## Next\n`;
  return problemsOf(rowsOf(markdown, "docs/page.md"), (file) => (file === "docs/a.test.ts" ? source : undefined));
}

test("a row with a promise, its dependencies and its tests has no problem", () => {
  const tests = '[a.test.ts](a.test.ts): "rejects a stolen token", "accepts the mode"; see [the page](page.md)';
  expect(problemsIn(`| 1 | A promise | Node.js | ${tests} |`)).toEqual([]);
});

test("two rows with the same number are a problem", () => {
  const row = '1.1 (level 2) | A promise | Node.js | [a](a.test.ts): "rejects a stolen token" |';
  expect(problemsIn(`| ${row}`)).toEqual([]);
  expect(problemsIn(`| ${row}`, `| ${row}`)).toEqual(["row 1.1 occurs twice"]);
});

test.each([
  ["a table without rows", "", "the table has no rows"],
  [
    "a row out of order",
    '| 2 | A promise | Node.js | [a](a.test.ts): "rejects a stolen token" |',
    "row 2 is in the position of row 1",
  ],
  ["a row without a promise", '| 1 | | Node.js | [a](a.test.ts): "rejects a stolen token" |', "no promise"],
  ["a row without dependencies", '| 1 | A promise | | [a](a.test.ts): "rejects a stolen token" |', "no depends on"],
  ["a row without tests", "| 1 | A promise | Node.js | [a](a.test.ts) |", "names no test"],
  ["a file that does not exist", '| 1 | A promise | Node.js | [b](b.test.ts): "rejects a stolen token" |', "b.test.ts"],
  [
    "a test that does not exist",
    '| 1 | A promise | Node.js | [a](a.test.ts): "rejects an old token" |',
    "an old token",
  ],
  ["part of a name", '| 1 | A promise | Node.js | [a](a.test.ts): "rejects a stolen" |', "a.test.ts has no test"],
])("%s is a problem", (_name, row, problem) => {
  expect(problemsIn(row)).toEqual([expect.stringContaining(problem)]);
});

describe("the result of a row", () => {
  const row = { id: "1", cells: [], tests: [{ file: "a.test.ts", name: "accepts the mode" }] };
  const resultsOf = (...statuses: readonly string[]) => [
    {
      name: join(process.cwd(), "a.test.ts"),
      assertionResults: statuses.map((status, index) => ({ fullName: `an API accepts the mode ${index}`, status })),
    },
  ];

  test("counts each test of the row", () => {
    expect(resultOf(row, resultsOf("passed", "failed", "pending", "passed"))).toEqual({
      passed: 2,
      failed: 1,
      skipped: 1,
    });
  });

  test("is a failure if a named test did not run", () => {
    expect(resultOf(row, resultsOf())).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(resultOf({ ...row, tests: [{ file: "b.test.ts", name: "accepts the mode" }] }, resultsOf("passed"))).toEqual(
      {
        passed: 0,
        failed: 1,
        skipped: 0,
      },
    );
  });
});
