import { execFileSync } from "node:child_process";

/**
 * Runs a command with the output of this process.
 *
 * @param {string} command
 * @param {readonly string[]} parameters
 * @param {string} cwd
 * @throws if the command fails
 */
export function run(command, parameters, cwd) {
  console.log(`> ${command} ${parameters.join(" ")}`);
  execFileSync(command, parameters, { cwd, stdio: ["ignore", "inherit", "inherit"] });
}

/**
 * Runs a command and returns its output.
 *
 * @param {string} command
 * @param {readonly string[]} parameters
 * @param {string} cwd
 * @throws if the command fails
 */
export function capture(command, parameters, cwd) {
  return execFileSync(command, parameters, {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 26,
  });
}
