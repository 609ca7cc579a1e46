import { describe, expect, test } from "vitest";
import { problemsOf, resultsOf, scoreOf } from "../../tools/check-mutants.mjs";
import { leftOut, merge } from "../../tools/mutation.mjs";

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

describe("two passes of Stryker", () => {
  const at = (line: number) => ({ start: { line, column: 3 }, end: { line, column: 9 } });
  const killed = { status: "Killed", mutatorName: "StringLiteral", replacement: '""', location: at(1) };
  const ignored = { ...killed, status: "Ignored", statusReason: 'Static mutant (and "ignoreStatic" was enabled)' };
  const reportOf = (...mutants: (typeof killed)[]) => ({ files: { [file]: { source: "", mutants } } });

  test("leave out of the first what is computed while a module loads, and nothing else", () => {
    const sentence = { ...ignored, statusReason: "a sentence for people" };
    expect(leftOut(reportOf(killed, sentence, { ...ignored, location: at(2) }))).toEqual([`${file}:2:2-2:8`]);
  });

  test("make one report, of what the second found of it", () => {
    const other = { ...ignored, location: at(2) };
    const first = reportOf(killed, ignored, other);
    const second = reportOf({ ...killed, status: "Survived" });
    expect(merge(first, second)).toEqual(reportOf(killed, { ...killed, status: "Survived" }, other));
    expect(merge(first, { files: {} })).toEqual(first);
  });
});
