// Compiles the TypeScript of the README with the tsconfig.json of the quick start.

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Runs the TypeScript compiler, and returns what it prints. */
async function compile(...parameters: string[]): Promise<string> {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const command = [tsc, "-p", join(root, "examples/quick-start"), ...parameters];
  const { stdout } = await promisify(execFile)(process.execPath, command).catch(
    (error: unknown) => error as { readonly stdout: string },
  );
  return stdout;
}

test("the code of the README compiles with the tsconfig.json of the quick start", async () => {
  expect(await compile()).toBe("");
});

test("the code of the README does not compile without allowImportingTsExtensions", async () => {
  expect(await compile("--allowImportingTsExtensions", "false")).toContain("TS5097");
});

test("the code of the README compiles to JavaScript with rewriteRelativeImportExtensions", async () => {
  const folder = mkdtempSync(join(tmpdir(), "certbound-typescript-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const emit = ["--noEmit", "false", "--allowImportingTsExtensions", "false"];
  expect(await compile(...emit, "--rewriteRelativeImportExtensions", "--outDir", folder)).toBe("");
  expect(existsSync(join(folder, "server.js"))).toBe(true);
});
