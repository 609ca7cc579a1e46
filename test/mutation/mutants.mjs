// The mutants of core: Stryker's, with Stryker's own instrumenter. All of them are in one text of each file, and one is active
// when it is named as `globalThis.__stryker__.activeMutant`.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ignorer } from "./texts.mjs";

/**
 * @typedef {{ line: number, column: number }} Position counted from 0
 * @typedef {{ id: string, fileName: string, mutatorName: string, replacement: string, status?: string, statusReason?: string,
 *   location: { start: Position, end: Position } }} Mutant
 */

/** Not imported by its name: its types need others that are not published. */
const INSTRUMENTER = "@stryker-mutator/instrumenter";
const silent = { debug() {}, info() {}, warn() {}, isDebugEnabled: () => false };

/**
 * Puts all mutants into files.
 *
 * @param {string} root
 * @param {string[]} files from there
 * @returns {Promise<{ mutants: Mutant[], instrumented: Record<string, string> }>} those that are left out have a status
 */
export async function instrument(root, files) {
  const { Instrumenter } = await import(INSTRUMENTER);
  const instrumenter = new Instrumenter(silent);
  /** @type {{ files: { name: string, content: string }[], mutants: Mutant[] }} */
  const { files: output, mutants } = await instrumenter.instrument(
    files.map((name) => ({ name, content: readFileSync(join(root, name), "utf8"), mutate: true })),
    { plugins: null, excludedMutations: [], ignorers: [ignorer], noHeader: false },
  );
  return { mutants, instrumented: Object.fromEntries(output.map(({ name, content }) => [name, content])) };
}
