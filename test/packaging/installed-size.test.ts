import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const LIMIT = 2_500_000;
const repository = fileURLToPath(new URL("../..", import.meta.url));

async function npm(cwd: string, ...parameters: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("npm", [...parameters, "--ignore-scripts", "--offline"], { cwd });
  return stdout;
}

/** The folders of a package and of everything that it depends on, without its peers. */
function withDependencies(folder: string): readonly string[] {
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly dependencies?: Readonly<Record<string, string>>;
  };
  const found = Object.keys(dependencies).map((name) => join(repository, "node_modules", name));
  return [folder, ...found.flatMap(withDependencies)];
}

/** Packs a package as for publication, or an installed one as it was published; returns the path of the tarball. */
async function pack(folder: string, destination: string): Promise<string> {
  const [packed] = JSON.parse(await npm(folder, "pack", "--json", "--pack-destination", destination)) as [
    { readonly filename: string },
  ];
  return join(destination, packed.filename);
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => statSync(join(folder, file)));
  return files.reduce((sum, { size }) => sum + size, 0);
}

test(`@certbound/express takes less than ${LIMIT / 1e6} MB of node_modules, besides Express`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "certbound-size-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const application = join(folder, "application");
  mkdirSync(application);
  writeFileSync(join(application, "package.json"), "{}");
  const folders = [...new Set(withDependencies(join(repository, "packages/express")))];
  const tarballs = await Promise.all(folders.map((each) => pack(each, folder)));
  await npm(application, "install", "--omit=peer", ...tarballs);
  const installed = join(application, "node_modules");
  expect(readdirSync(installed)).toEqual(expect.arrayContaining(["@certbound", "jose", "oauth4webapi"]));
  const size = sizeOf(installed);
  expect(size).toBeGreaterThan(100_000);
  expect(size).toBeLessThan(LIMIT);
});
