// Runs every example: a folder of examples/ whose package.json has a start script of the form `node <file>`.
// An example is a program that asserts what it shows and exits with 0. One that lacks something prints `skipped: <why>`.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const TIMEOUT_MS = 60_000;
const examples = join(dirname(fileURLToPath(import.meta.url)), "..", "examples");

/** @param {string} name @returns {string | undefined} */
function startScript(name) {
  const file = join(examples, name, "package.json");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).scripts?.start : undefined;
}

/**
 * Runs one example, prints the verdict and, for a failed one, its output.
 *
 * @param {string} name
 * @param {string} script
 * @returns {boolean}
 */
function passes(name, script) {
  const [command, ...args] = script.split(" ");
  if (command !== "node" || args.length === 0) {
    console.log(`FAIL ${name}: its start script is not of the form "node <file>"`);
    return false;
  }
  const started = performance.now();
  const { status, signal, error, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: join(examples, name),
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status === 0) {
    const [skipped] = /^skipped: .*$/m.exec(stdout) ?? [];
    console.log(`PASS ${name} (${skipped ?? `${seconds} s`})`);
    return true;
  }
  console.log(
    `FAIL ${name} (${seconds} s): ${error?.message ?? (signal === null ? `exit code ${status}` : signal)}\n${stdout}${stderr}`,
  );
  return false;
}

const found = (existsSync(examples) ? readdirSync(examples) : []).flatMap((name) => {
  const script = startScript(name);
  return script === undefined ? [] : [{ name, script }];
});
const failed = found.filter(({ name, script }) => !passes(name, script));
console.log(`examples: ${found.length - failed.length} passed, ${failed.length} failed`);
if (found.length === 0) console.error("examples: none was found");
process.exitCode = found.length > 0 && failed.length === 0 ? 0 : 1;
