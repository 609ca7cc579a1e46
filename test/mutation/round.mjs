// One round: the tests run once, and count what they reach; or each test runs again for every mutant that it reaches.

import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { env } from "node:process";

/**
 * What the runner is told, in the file that `MUTATION_ROUND` names.
 *
 * @typedef {object} Round
 * @property {"reach" | "kill" | "load"} kind `load`: the tests run as always, with the mutant that the environment names
 * @property {string} results a file of results, a line each
 * @property {string} instrumented a file with the text of every mutated file, by its path from the root
 * @property {Record<string, string>} mutants of `kill`: those that are to be killed, by their number; with the file they are in
 * @property {Record<string, { ms: number, mutants: string[] }>} reached of `kill`: what each test reaches
 * @property {boolean} own of `kill`: whether tests run against the mutants of the file only that they are named after
 * @property {number} slowest of `kill`: the longest that a test may take, in milliseconds
 */

/**
 * @typedef {{ reached: string, ms: number, mutants: string[] } | { killed: string, by: string } | { broken: string, by: string }
 *   | { loaded: string[] }} Result
 */

/** @returns {Round} */
export function currentRound() {
  return JSON.parse(readFileSync(env["MUTATION_ROUND"] ?? "", "utf8"));
}

/** @param {string} file @param {Result} result */
export function addResult(file, result) {
  appendFileSync(file, `${JSON.stringify(result)}\n`);
}

/** @param {string} file @returns {any[]} */
export function resultsIn(file) {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/**
 * Tells whether a test file is named after a source file, or its folder: `keys/key-set.test.ts`, `verifier.order.test.ts`,
 * `resolvers/formats.test.ts`.
 *
 * @param {string} testFile
 * @param {string} sourceFile
 */
export function isOwn(testFile, sourceFile) {
  const source = sourceFile.replace(/^.*packages\/core\/src\//, "").replace(/\.ts$/, "");
  const tested = testFile.replace(/^.*packages\/core\/test\//, "").replace(/\.test\.ts$/, "");
  return tested === source || tested.startsWith(`${source}.`) || source.startsWith(`${tested}/`);
}
