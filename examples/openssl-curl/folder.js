import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Creates an empty folder to run commands in. When this program exits, the folder is deleted and running commands are killed. */
export function createFolder() {
  const cwd = mkdtempSync(join(tmpdir(), "certbound-openssl-curl-"));
  const signal = AbortSignal.timeout(40_000);
  const children = [];
  process.once("exit", () => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(cwd, { recursive: true });
  });

  return {
    cwd,

    /** Runs a command and waits until it exits, successfully or not. */
    run: async (command, args, env) => {
      const options = { cwd, signal, env: { ...process.env, no_proxy: "*", ...env } };
      try {
        return { code: 0, ...(await promisify(execFile)(command, args, options)) };
      } catch (error) {
        return { code: error.code, stdout: error.stdout, stderr: error.stderr };
      }
    },

    /** Starts a server command. Returns a function that returns the next line that it prints. */
    start: (command, args, { env, stderr = "inherit" } = {}) => {
      const stdio = ["ignore", "pipe", stderr];
      const child = spawn(command, args, { cwd, stdio, env: { ...process.env, ...env } });
      signal.addEventListener("abort", () => child.kill("SIGKILL"));
      children.push(child);
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
      return async () => (await lines.next()).value;
    },
  };
}

/** Returns the path of a file of this example. */
export const fileOf = (name) => fileURLToPath(new URL(name, import.meta.url));
