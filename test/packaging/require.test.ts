import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** Runs a program with the built packages and the current Node.js. */
async function run(
  program: URL,
  ...parameters: string[]
): Promise<{ readonly output: unknown; readonly stderr: string }> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [fileURLToPath(program), ...parameters]);
  return { output: JSON.parse(stdout) as unknown, stderr };
}

/** Copies core, as npm does if two versions are required, and returns the path of the copy's module. */
function copyOfCore(): string {
  const folder = mkdtempSync(join(tmpdir(), "certbound-copy-"));
  folders.push(folder);
  for (const part of ["dist", "undici.cjs"]) {
    cpSync(join(repository, "packages/core", part), join(folder, part), { recursive: true });
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"), "dir");
  return join(folder, "dist/index.js");
}

describe("the built packages", () => {
  test("are the same for require() and import(), without a warning", async () => {
    const { output, stderr } = await run(new URL("./consumer.cjs", import.meta.url));
    const core = [
      "AccessTokenError",
      "certificateThumbprint",
      "createAuthenticator",
      "createVerifier",
      "httpRejection",
    ];
    const names = (more: string[]): unknown => expect.arrayContaining([...core, ...more]);
    expect(output).toEqual({
      core: { names: names([]), same: true },
      express: { names: names(["protectApi"]), same: true },
      fastify: { names: names(["default", "protectApi"]), same: true },
      oneErrorClass: true,
      instance: true,
      plugin: "function",
    });
    expect(stderr).toBe("");
  });

  test("recognise the errors of another copy of core", async () => {
    const { output } = await run(new URL("./two-copies.mjs", import.meta.url), copyOfCore());
    expect(output).toEqual({
      distinct: true,
      foreign: true,
      own: true,
      otherErrors: false,
      subclass: false,
      rejection: 401,
      code: "ERR_CERTIFICATE_UNTRUSTED",
    });
  });
});
