import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { testName } from "./conformance-case.ts";
import { evidenceOf, loadSuite } from "./coverage.ts";
import { conformancePage } from "./page.ts";
import { requirementGroups } from "./requirements.ts";

const suite = await loadSuite();
const evidence = evidenceOf(suite);
const rows = requirementGroups.flatMap((group) => group.rows);
const cases = suite.flatMap((file) => file.cases);

describe("the conformance suite", () => {
  test("has a unique id for every requirement", () => {
    const ids = rows.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
  });

  test("has a test for every requirement that applies", () => {
    const uncovered = rows.filter(({ id, applies }) => applies === true && !evidence.has(id)).map(({ id }) => id);
    expect(uncovered).toEqual([]);
  });

  test("does not test a requirement that does not apply or is unknown", () => {
    const applying = new Set(rows.filter(({ applies }) => applies === true).map(({ id }) => id));
    expect([...evidence.keys()].filter((id) => !applying.has(id))).toEqual([]);
  });

  test("has a unique name for every test", () => {
    const names = cases.map(testName);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test("has a case with a rejection for every case that only accepts", () => {
    const rejecting = new Set(cases.flatMap((entry) => ("run" in entry || entry.rejected ? entry.ids : [])));
    const alone = cases.filter(
      (entry) => "rejectedBy" in entry && entry.rejectedBy && !rejecting.has(entry.rejectedBy),
    );
    expect(alone.map(testName)).toEqual([]);
  });
});

test("docs/conformance.md matches the tests", () => {
  const page = fileURLToPath(new URL("../../docs/conformance.md", import.meta.url));
  const results = process.env["CONFORMANCE_RESULTS"];
  // In the committed page every test passes. Only `npm run conformance` has the results of the tests, and writes the page.
  const current = conformancePage({ evidence, failed: results === undefined ? new Set() : failedTests(results) });
  if (results !== undefined) writeFileSync(page, current);
  expect(readFileSync(page, "utf8"), "run npm run conformance").toBe(current);
  expect(Buffer.byteLength(current), "the size of the page").toBeLessThanOrEqual(30 * 1024);
});

/** Lists the tests that did not pass on every front end, according to a report of vitest. */
function failedTests(file: string): ReadonlySet<string> {
  const report = JSON.parse(readFileSync(file, "utf8")) as {
    readonly testResults: readonly {
      readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
    }[];
  };
  const tests = report.testResults.flatMap((result) => result.assertionResults);
  const titlesOf = (passed: boolean): ReadonlySet<string> =>
    new Set(tests.filter(({ status }) => (status === "passed") === passed).map(({ title }) => title));
  const [passed, others] = [titlesOf(true), titlesOf(false)];
  return new Set(cases.map(testName).filter((name) => !passed.has(name) || others.has(name)));
}
