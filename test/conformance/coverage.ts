import { testName } from "./conformance-case.ts";
import { type CaseFile, type Half, loadCaseFiles } from "./load-cases.ts";
import type { RequirementId } from "./requirements.ts";

/** A test of a requirement. */
export interface Evidence {
  readonly path: string;
  readonly name: string;
  /** The name without the ids. */
  readonly title: string;
}

const halves: readonly Half[] = ["rfcs", "attacks"];

/** Loads every file of the suite. */
export async function loadSuite(): Promise<readonly CaseFile[]> {
  return (await Promise.all(halves.map(loadCaseFiles))).flat();
}

/** Lists the tests of each requirement. */
export function evidenceOf(suite: readonly CaseFile[]): ReadonlyMap<RequirementId, readonly Evidence[]> {
  const evidence = new Map<RequirementId, Evidence[]>();
  for (const { path, cases } of suite) {
    for (const entry of cases) {
      for (const id of entry.ids) {
        const found = evidence.get(id) ?? [];
        evidence.set(id, [...found, { path, name: testName(entry), title: entry.name }]);
      }
    }
  }
  return evidence;
}
