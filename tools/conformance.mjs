// Runs the conformance suite and writes its results to docs/conformance.md: `npm run conformance`.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, execPath } from "node:process";

const VITEST = ["node_modules/vitest/vitest.mjs", "run", "--config", "test/vitest.config.ts"];

const folder = mkdtempSync(join(tmpdir(), "certbound-conformance-"));
const results = join(folder, "results.json");
const files = ["test/conformance/rfcs.test.ts", "test/conformance/attacks.test.ts"];
const suite = run([...files, "--reporter=default", "--reporter=json", `--outputFile.json=${results}`]);
const page = run(["test/conformance/page.test.ts"], { CONFORMANCE_RESULTS: results });
rmSync(folder, { recursive: true });
process.exitCode = suite || page;

/**
 * @param {string[]} options
 * @param {Record<string, string>} [variables]
 * @returns {number} the exit code
 */
function run(options, variables = {}) {
  const { status } = spawnSync(execPath, [...VITEST, ...options], { stdio: "inherit", env: { ...env, ...variables } });
  return status ?? 1;
}
