// Runs each command in a separate process group, so that all its child processes end with it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { kill } from "node:process";
import { text } from "node:stream/consumers";

const TIMEOUT_MS = 120_000;

/**
 * @typedef {import("node:child_process").ChildProcess & { stdout: import("node:stream").Readable, stderr: import("node:stream").Readable }} Child
 * @typedef {{ cwd: string, env?: Record<string, string | undefined> }} Place
 */

/**
 * Starts a command; `end` kills it with its children.
 *
 * @param {readonly string[]} command
 * @param {Place} place
 */
export function start([program = "", ...parameters], { cwd, env }) {
  const options = { cwd, env: { ...process.env, ...env }, detached: true };
  const child = /** @type {Child} */ (spawn(program, parameters, { ...options, stdio: ["ignore", "pipe", "pipe"] }));
  const exit = once(child, "exit").then(([code, signal]) => code ?? signal);
  const end = () => {
    try {
      if (child.pid !== undefined) kill(-child.pid, "SIGKILL");
    } catch {
      // The process group has already ended.
    }
  };
  return { child, exit, end };
}

/**
 * Runs a command to its end.
 *
 * @param {readonly string[]} command
 * @param {Place} place
 * @returns {Promise<string>} its output
 */
export async function run(command, place) {
  const { child, exit, end } = start(command, place);
  const timer = setTimeout(end, TIMEOUT_MS);
  try {
    const [code, stdout, stderr] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
    if (code !== 0) throw new Error(`${command.join(" ")}: exited with ${code}\n${stdout}${stderr}`);
    return stdout + stderr;
  } finally {
    clearTimeout(timer);
    end();
  }
}
