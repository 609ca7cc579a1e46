import { expect, test } from "vitest";
import { problemsOf, resultsOf, scoreOf } from "../../tools/check-mutants.mjs";

const file = "packages/core/src/sample.ts";

/** The results of a report on one file of two lines, whose `>=` was replaced with this end. */
function results(status: string, ...[source = "// a line\n  return  age >= limit;\n", line = 2]: [string?, number?]) {
  const location = { start: { line, column: 11 }, end: { line, column: 23 } };
  return resultsOf({
    files: {
      [file]: { source, mutants: [{ status, mutatorName: "EqualityOperator", replacement: "age > limit", location }] },
    },
  });
}

const explanation = {
  file,
  line: "return age >= limit;",
  code: "age >= limit",
  replacement: "age > limit",
  why: "Same.",
};

test.each(["Survived", "NoCoverage"])("a mutant with the status %s is a problem until it is explained", (status) => {
  expect(problemsOf(results(status), [])).toHaveLength(1);
  expect(problemsOf(results(status), [explanation])).toEqual([]);
});

test.each(["Killed", "Timeout", "Ignored"])(
  "a mutant with the status %s is no problem, and explaining it is",
  (status) => {
    expect(problemsOf(results(status), [])).toEqual([]);
    expect(problemsOf(results(status), [explanation])).toHaveLength(1);
  },
);

test("an explanation holds for its code where that has moved, and for no other", () => {
  expect(problemsOf(results("Survived", "\n\n\n  return  age >= limit;", 4), [explanation])).toEqual([]);
  expect(problemsOf(results("Survived", "\n  return  AGE >= limit;"), [explanation])).toHaveLength(2);
  expect(problemsOf(results("Survived"), [{ ...explanation, replacement: "age < limit" }])).toHaveLength(2);
});

test("an explanation says why, and is not missed where its file was not mutated", () => {
  expect(problemsOf(results("Survived"), [{ ...explanation, why: " " }])).toHaveLength(1);
  expect(problemsOf(results("Killed"), [{ ...explanation, file: "packages/core/src/other.ts" }])).toEqual([]);
});

test("the score is the share of the mutants that were noticed", () => {
  expect(resultsOf({ files: { [file]: { source: "", mutants: [] } } })).toEqual([{ file, killed: 0, survived: [] }]);
  expect(results("Timeout")).toMatchObject([{ killed: 1, survived: [] }]);
  expect([scoreOf(0, 0), scoreOf(9, 1), scoreOf(0, 1)]).toEqual([100, 90, 0]);
});
