import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("./plain-http.mjs", import.meta.url));

/** Runs an API over plain HTTP, and returns its output and its warnings. */
function run(...parameters: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return promisify(execFile)(process.execPath, [program, ...parameters]);
}

test("an API over plain HTTP emits a warning in Node.js", async () => {
  expect(await run()).toEqual({ stdout: "401\n", stderr: expect.stringContaining("CERTBOUND_PLAIN_HTTP") });
});

test("an API emits no warning about plain HTTP in Bun, where a TLS connection looks like a plain one", async () => {
  expect(await run("1.4.5")).toEqual({ stdout: "401\n", stderr: "" });
});
