import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ConformanceCase } from "./conformance-case.ts";

/** The two halves of the suite. Each is run by one test file, so that two workers are enough. */
export type Half = "rfcs" | "attacks";

/** The cases of one file. */
export interface CaseFile {
  /** Relative to this folder, for example `cases/rfcs/8705-binding.ts`. */
  readonly path: string;
  readonly cases: readonly ConformanceCase[];
}

/** Loads all files in the folder of a half. Each exports `cases`. */
export async function loadCaseFiles(half: Half): Promise<readonly CaseFile[]> {
  const folder = fileURLToPath(new URL(`cases/${half}/`, import.meta.url));
  const names = readdirSync(folder).filter((name) => name.endsWith(".ts"));
  return Promise.all(
    names.toSorted().map(async (name) => {
      const { cases } = (await import(/* @vite-ignore */ `${folder}${name}`)) as Partial<CaseFile>;
      if (cases === undefined) throw new Error(`${name} does not export cases`);
      return { path: `cases/${half}/${name}`, cases };
    }),
  );
}

/** Loads the cases of a half. */
export async function loadCases(half: Half): Promise<readonly ConformanceCase[]> {
  return (await loadCaseFiles(half)).flatMap(({ cases }) => cases);
}
