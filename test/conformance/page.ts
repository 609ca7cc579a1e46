import type { Evidence } from "./coverage.ts";
import type { Requirement } from "./requirement.ts";
import { type RequirementGroup, requirementGroups, type RequirementId } from "./requirements.ts";

/** The results that the page shows for each requirement. */
export interface PageInput {
  readonly evidence: ReadonlyMap<RequirementId, readonly Evidence[]>;
  /** The names of tests that failed; the committed page has none. */
  readonly failed: ReadonlySet<string>;
}

type Result = keyof typeof summaries;

const summaries = {
  passes: "pass",
  fails: "fail",
  "n/a": "do not apply (n/a; the last column states why)",
} as const;

/** Returns the text of `docs/conformance.md`. It depends only on the tests and their results. */
export function conformancePage(input: PageInput): string {
  return [
    "# Conformance",
    "This page lists what the standards require of an API that accepts certificate-bound access tokens, and known attacks on such APIs. Each row links to the tests that show how certbound behaves. Tests of requests run against Express and Fastify over mutual TLS, and tests of tokens run against the verifier. Each test of a rejection also shows that a token or request is accepted if only the tested detail differs.",
    "`npm run conformance` generates this page from the tests. [test/conformance](../test/conformance/README.md) explains how to add a requirement, and the tables in that folder name the source of each row. [OWASP ASVS 5.0](asvs.md) and the [conformance suite of FAPI 2.0](fapi-conformance.md) have separate pages.",
    summary(input),
    ...requirementGroups.map((group) => section(group, input)),
    links(input),
  ].join("\n\n");
}

function summary(input: PageInput): string {
  const rows = requirementGroups.flatMap((group) => group.rows.map((row) => resultOf(row, input)));
  const counts = Object.entries(summaries).map(([result, words]) => {
    const count = rows.filter((found) => found === result).length;
    return count === 0 ? [] : `${count} ${words}`;
  });
  return `There are ${rows.length} requirements: ${counts.flat().join(", ")}.`;
}

function section({ title, rows }: RequirementGroup, input: PageInput): string {
  return [
    `## ${title}\n`,
    "| | requirement | level | result | tests |",
    "|---|---|---|---|---|",
    ...rows.map((row) => line(row, input)),
    "",
  ].join("\n");
}

function line(row: RequirementGroup["rows"][number], input: PageInput): string {
  const { id, requirement, level, applies } = row;
  const tests = pathsOf(input.evidence.get(id) ?? []).map((path) => `[${labelOf(path)}]`);
  const shown = applies === true ? tests.join(" ") : applies;
  return `| ${[id, requirement, level, resultOf(row, input), shown].join(" | ")} |`;
}

function pathsOf(evidence: readonly Evidence[]): readonly string[] {
  return [...new Set(evidence.map(({ path }) => path))];
}

/** Returns the label of a test file, such as "8705-binding" for "cases/rfcs/8705-binding.ts". */
function labelOf(path: string): string {
  return path.replace(/^.*\//, "").replace(/\.ts$/, "");
}

/** Returns the link definitions for the labels. */
function links({ evidence }: PageInput): string {
  const paths = new Set([...evidence.values()].flatMap(pathsOf));
  return [...paths]
    .toSorted()
    .map((path) => `[${labelOf(path)}]: ../test/conformance/${path}`)
    .join("\n");
}

function resultOf({ id, applies }: Requirement & { readonly id: RequirementId }, input: PageInput): Result {
  if (applies !== true) return "n/a";
  const tests = input.evidence.get(id) ?? [];
  const passes = tests.length > 0 && tests.every(({ name }) => !input.failed.has(name));
  return passes ? "passes" : "fails";
}
