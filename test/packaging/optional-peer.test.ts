import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const core = join(repository, "packages/core");
const program = fileURLToPath(new URL("./client-tls.mjs", import.meta.url));

/** Installs core with its dependencies and the given peer dependencies, and returns the folder. */
function install(...peers: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "certbound-peer-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const manifest = readFileSync(join(core, "package.json"), "utf8");
  const { dependencies } = JSON.parse(manifest) as { readonly dependencies: Readonly<Record<string, string>> };
  mkdirSync(join(folder, "node_modules"));
  for (const name of [...Object.keys(dependencies), ...peers]) {
    symlinkSync(join(repository, "node_modules", name), join(folder, "node_modules", name), "dir");
  }
  for (const part of ["dist", "undici.cjs", "package.json"]) {
    cpSync(join(core, part), join(folder, part), { recursive: true });
  }
  return folder;
}

async function outcomes(folder: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, join(folder, "dist/index.js")]);
  return JSON.parse(stdout);
}

describe("clientTls", () => {
  test("is rejected if undici is not installed, unlike other options", async () => {
    expect(await outcomes(install())).toEqual({
      clientSecret: "accepted",
      clientTls: expect.stringMatching(/option "clientTls".*undici.*not installed.* MODULE_NOT_FOUND$/),
    });
  });

  test("is rejected if undici fails to load, like version 8 in Node.js 20", async () => {
    const folder = install();
    mkdirSync(join(folder, "node_modules/undici"));
    writeFileSync(join(folder, "node_modules/undici/index.js"), "require('node:zlib').notYet.bind();");
    expect(await outcomes(folder)).toEqual({
      clientSecret: "accepted",
      clientTls: expect.stringMatching(/option "clientTls".*undici.*failed to load.*reading 'bind'/),
    });
  });

  test("is accepted if undici is installed", async () => {
    expect(await outcomes(install("undici"))).toEqual({ clientSecret: "accepted", clientTls: "accepted" });
  });
});
