import { spawnSync } from "node:child_process";
import { execPath } from "node:process";

const TIMEOUT_MS = 60_000;

/**
 * Runs one example and prints its result. Returns true if it passed. Prints its output if it failed.
 *
 * An example is a program that asserts what it shows and exits with 0. If a requirement is missing, it prints
 * `skipped: <reason>`.
 *
 * @param {string} name
 * @param {readonly string[]} args the arguments of Node.js
 * @param {string} cwd
 * @returns {boolean}
 */
export function passes(name, args, cwd) {
  const started = performance.now();
  const { status, signal, error, stdout, stderr } = spawnSync(execPath, args, {
    cwd,
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

/**
 * Prints the counts, and sets the exit code of this process.
 *
 * @param {readonly boolean[]} results whether each example passed
 */
export function report(results) {
  const passed = results.filter((result) => result).length;
  console.log(`examples: ${passed} passed, ${results.length - passed} failed`);
  if (results.length === 0) console.error("examples: none found");
  process.exitCode = results.length > 0 && passed === results.length ? 0 : 1;
}
