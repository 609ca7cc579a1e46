import type { Evidence } from "./coverage.ts";
import type { Requirement } from "./requirement.ts";
import { type RequirementGroup, requirementGroups, type RequirementId } from "./requirements.ts";

/** What the page says of each requirement. */
export interface PageInput {
  readonly evidence: ReadonlyMap<RequirementId, readonly Evidence[]>;
  /** The names of tests that failed; none in what is committed. */
  readonly failed: ReadonlySet<string>;
}

type Result = keyof typeof summaries;

const summaries = {
  passes: "pass",
  fails: "fail",
  "does not apply": "do not apply, for the reason given",
} as const;

/** Writes the page `docs/conformance.md`: the same for the same tests, whenever and wherever they run. */
export function conformancePage(input: PageInput): string {
  return [
    "# Conformance",
    "What the standards ask of an API that takes certificate-bound access tokens, and what has gone wrong in validators of this kind, each with the tests that show how certbound fares. Requests go to the bare verifier, to Express and to Fastify over mutual TLS; each test that refuses also accepts a request that differs in one thing.",
    "This page is made from the tests by `npm run conformance`; [test/conformance](../test/conformance/README.md) says how to add one.",
    summary(input),
    ...requirementGroups.map((group) => section(group, input)),
  ].join("\n\n");
}

function summary(input: PageInput): string {
  const rows = requirementGroups.flatMap((group) => group.rows.map((row) => resultOf(row, input)));
  const counts = Object.entries(summaries).map(([result, words]) => {
    const count = rows.filter((found) => found === result).length;
    return count === 0 ? [] : `${count} ${words}`;
  });
  return `Of ${rows.length} rows, ${counts.flat().join(", ")}.`;
}

function section({ title, rows }: RequirementGroup, input: PageInput): string {
  return [
    `## ${title}\n`,
    "| | requirement | source | level | tests | result |",
    "|---|---|---|---|---|---|",
    ...rows.map((row) => line(row, input)),
    "",
  ].join("\n");
}

function line(row: RequirementGroup["rows"][number], input: PageInput): string {
  const { id, requirement, source, level, applies } = row;
  const shown = applies === true ? testsOf(input.evidence.get(id) ?? []).join("<br>") : applies;
  return `| ${[id, requirement, source, level, shown, resultOf(row, input)].join(" | ")} |`;
}

/** The tests of a row, by the files they are in. */
function testsOf(evidence: readonly Evidence[]): readonly string[] {
  const paths = new Set(evidence.map(({ path }) => path));
  return [...paths].map((path) => {
    const names = evidence.filter((found) => found.path === path).map(({ title }) => escaped(title));
    return `[${path.replace(/^cases\//, "")}](../test/conformance/${path}): ${names.join("; ")}`;
  });
}

function resultOf({ id, applies }: Requirement & { readonly id: RequirementId }, input: PageInput): Result {
  if (applies !== true) return "does not apply";
  const tests = input.evidence.get(id) ?? [];
  const passes = tests.length > 0 && tests.every(({ name }) => !input.failed.has(name));
  return passes ? "passes" : "fails";
}

function escaped(name: string): string {
  return name.replaceAll(/[\\|[\]*_`<>]/g, String.raw`\$&`);
}
