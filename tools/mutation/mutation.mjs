// Runs Stryker on files of core, each against its unit tests, and prints the surviving mutants:
//   npm run mutation -- packages/core/src/binding.ts     one file, takes minutes
//   npm run mutation                                     all of core, takes hours

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import process from "node:process";

const root = fileURLToPath(new URL("../..", import.meta.url));
const SOURCES = "packages/core/src/";
const TESTS = "packages/core/test/";

const given = process.argv.slice(2);
const files = given.length > 0 ? given : filesIn(SOURCES).map((name) => SOURCES + name);
const failed = files.filter((file) => {
  const { status } = spawnSync("npx", ["stryker", "run", "tools/mutation/stryker.config.json", "--mutate", file], {
    cwd: root,
    env: { ...process.env, MUTATION_TESTS: testsOf(file).join(",") },
    stdio: "inherit",
  });
  return status !== 0;
});
console.log(failed.length === 0 ? "mutation: no problems" : `mutation: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;

/** @param {string} folder @returns {string[]} */
function filesIn(folder) {
  return readdirSync(`${root}/${folder}`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .toSorted();
}

/**
 * Finds the tests of a file: those named after it or after a folder that contains it (`proxy/formats.test.ts` tests
 * `proxy/formats/nginx.ts`). Returns all unit tests of core if there are none.
 *
 * @param {string} file
 */
function testsOf(file) {
  const path = file.slice(SOURCES.length).replace(/\.ts$/, "");
  const tests = filesIn(TESTS).filter((test) => `${path}/`.startsWith(test.replace(/(?:\.[^/]+)?\.test\.ts$/, "/")));
  return tests.length > 0 ? tests.map((test) => TESTS + test) : [`${TESTS}**/*.test.ts`];
}
