// Reads the report that `npm run mutation` wrote: prints the score of every file, and fails for a mutant that survived and is
// not explained in test/mutation/survivors.json, or when the score is too low.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const REPORT = "reports/mutation/mutation.json";
const SURVIVORS = "test/mutation/survivors.json";
/** In percent, of the mutants that are not left out; those that are explained count as survivors. */
const LEAST_SCORE = 90;

/**
 * @typedef {{ line: number, column: number }} Position
 * @typedef {{ status: string, statusReason?: string, mutatorName: string, replacement?: string, location: { start: Position, end: Position } }} Mutant
 * @typedef {{ source: string, mutants: Mutant[] }} MutatedFile
 * @typedef {{ files: Record<string, MutatedFile> }} Report
 */

/**
 * A mutant that may survive, and why: by its text, so that it is found again after other lines were changed. `line` is
 * the first line of what is mutated, and `code` that itself.
 *
 * @typedef {{ file: string, line: string, code: string, replacement: string, why: string }} Survivor
 */

/**
 * What one file of the report comes to.
 *
 * @typedef {{ file: string, killed: number, survived: Omit<Survivor, "why">[] }} Result
 */

/**
 * Sums up a report. What timed out was noticed; what does not compile, or was left out, does not count.
 *
 * @param {Report} report
 * @returns {Result[]} with the mutants that no test noticed
 */
export function resultsOf({ files }) {
  return Object.entries(files).map(([file, { source, mutants }]) => ({
    file,
    killed: mutants.filter(({ status }) => status === "Killed" || status === "Timeout").length,
    survived: mutants
      .filter(({ status }) => status === "Survived" || status === "NoCoverage")
      .map((mutant) => ({ file, ...textsOf(mutant, source.split("\n")) })),
  }));
}

/**
 * @param {Mutant} mutant
 * @param {string[]} lines
 */
function textsOf({ location: { start, end }, replacement = "" }, lines) {
  const mutated = lines.slice(start.line - 1, end.line);
  const last = mutated.length - 1;
  const parts = mutated.map((line, index) =>
    line.slice(index === 0 ? start.column - 1 : 0, index === last ? end.column - 1 : undefined),
  );
  return { line: inOneLine(mutated[0] ?? ""), code: inOneLine(parts.join("\n")), replacement: inOneLine(replacement) };
}

/** As texts are compared. @param {string} text */
export function inOneLine(text) {
  return text.replaceAll(/\s+/g, " ").trim();
}

/**
 * Lists what is wrong: survivors that are not explained, explanations of what did not survive in a file of the report.
 *
 * @param {Result[]} results
 * @param {Survivor[]} explained
 * @returns {string[]}
 */
export function problemsOf(results, explained) {
  const survived = results.flatMap((result) => result.survived);
  const known = new Set(explained.map(keyOf));
  const seen = new Set(survived.map(keyOf));
  const files = new Set(results.map(({ file }) => file));
  return [
    ...survived
      .filter((mutant) => !known.has(keyOf(mutant)))
      .map(({ file, line, code, replacement }) => `${file}: survived: ${code} -> ${replacement} in: ${line}`),
    ...explained
      .filter((survivor) => files.has(survivor.file) && !seen.has(keyOf(survivor)))
      .map(({ file, code, replacement }) => `${file}: did not survive, but is explained: ${code} -> ${replacement}`),
    ...explained.filter(({ why }) => why.trim() === "").map(({ file, code }) => `${file}: is not explained: ${code}`),
  ];
}

/** @param {Omit<Survivor, "why">} mutant */
function keyOf({ file, line, code, replacement }) {
  return JSON.stringify([file, line, code, replacement]);
}

/** @param {number} killed @param {number} survived */
export function scoreOf(killed, survived) {
  return killed + survived === 0 ? 100 : (killed / (killed + survived)) * 100;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = dirname(dirname(process.argv[1]));
  if (!existsSync(join(root, REPORT))) throw new Error(`${REPORT} is missing: npm run mutation writes it`);
  const results = resultsOf(JSON.parse(readFileSync(join(root, REPORT), "utf8")));
  const problems = problemsOf(results, JSON.parse(readFileSync(join(root, SURVIVORS), "utf8")));
  for (const { file, killed, survived } of results) {
    console.log(
      `${scoreOf(killed, survived.length).toFixed(1).padStart(5)} %  ${killed} killed, ${survived.length} not  ${file}`,
    );
  }
  const killed = results.reduce((sum, result) => sum + result.killed, 0);
  const survived = results.reduce((sum, result) => sum + result.survived.length, 0);
  const score = scoreOf(killed, survived);
  if (score < LEAST_SCORE) problems.push(`the score is under ${LEAST_SCORE} %`);
  for (const problem of problems) console.error(problem);
  console.log(
    `mutants: ${score.toFixed(1)} % of ${killed + survived}, ${problems.length === 0 ? "no problems" : `${problems.length} problems`}`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}
