// Runs every check that must pass before a change is merged: `npm run ok`. Stops at the first failure.

import { spawnSync } from "node:child_process";

const SCRIPTS = [
  "build",
  "typecheck",
  "lint",
  "format:check",
  "snippets",
  "deadcode",
  "test:types",
  "coverage",
  "examples",
  "pack:check",
];

/** @type {string[]} */
const times = [];
for (const script of SCRIPTS) {
  console.log(`\n> ${script}`);
  const started = performance.now();
  const { status, signal, error } = spawnSync("npm", ["run", "--silent", script], { stdio: "inherit" });
  times.push(`${script} ${((performance.now() - started) / 1000).toFixed(1)} s`);
  if (status !== 0) {
    console.error(`\nnot ok: "npm run ${script}" failed (${error?.message ?? signal ?? `exit code ${status}`})`);
    process.exit(1);
  }
  console.log(`< ${times.at(-1)}`);
}
console.log(`\nok: ${times.join(", ")}`);
