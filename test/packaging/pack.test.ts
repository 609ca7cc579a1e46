import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** The members of a package's manifest that the tests read. */
interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly main?: string;
  readonly types?: string;
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly bin?: Readonly<Record<string, string>>;
}

const packages = fileURLToPath(new URL("../../packages/", import.meta.url));
const published = readdirSync(packages)
  .map((folder) => ({ folder: join(packages, folder), manifest: manifestOf(join(packages, folder)) }))
  .filter(({ manifest }) => manifest.private !== true);

let destination: string;
beforeAll(() => {
  destination = mkdtempSync(join(tmpdir(), "certbound-pack-"));
});
afterAll(() => rmSync(destination, { recursive: true }));

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
}

/** Lists the files that `npm publish` would include. */
async function packedFiles(folder: string): Promise<readonly string[]> {
  const parameters = ["pack", "--json", "--ignore-scripts", "--offline", "--pack-destination", destination];
  const { stdout } = await promisify(execFile)("npm", parameters, { cwd: folder });
  const [packed] = JSON.parse(stdout) as [{ readonly files: readonly { readonly path: string }[] }];
  return packed.files.map(({ path }) => path);
}

/** Lists the files that the manifest refers to. */
function entryPoints({ exports = {}, bin = {} }: Manifest): readonly string[] {
  const targets = [...Object.values(exports), ...Object.values(bin)];
  return targets.flatMap((target) => (typeof target === "string" ? [target] : Object.values(target)));
}

describe.each(published.map(({ manifest, folder }) => [manifest.name, manifest, folder] as const))(
  "the package %s",
  (_name, manifest, folder) => {
    let files: readonly string[];
    beforeAll(async () => {
      files = await packedFiles(folder);
    });

    test("contains the built files and its README", () => {
      expect(files).toEqual(expect.arrayContaining(["package.json", "README.md", "dist/index.js", "dist/index.d.ts"]));
      const missing = entryPoints(manifest).filter((path) => !files.includes(path.replace(/^\.\//, "")));
      expect(missing).toEqual([]);
    });

    test("contains no other files, such as sources or source maps", () => {
      const expected = /^(?:dist\/.+\.(?:js|d\.ts)|undici\.(?:cjs|d\.cts)|README\.md|LICENSE|package\.json)$/;
      expect(files.filter((path) => !expected.test(path))).toEqual([]);
      const naming = files.filter((path) => readFileSync(join(folder, path), "utf8").includes("sourceMappingURL="));
      expect(naming).toEqual([]);
    });

    test("does not use import.meta, which CommonJS bundles do not support, except in the program", () => {
      const modules = files.filter((path) => /\.c?js$/.test(path));
      const using = modules.filter((path) => readFileSync(join(folder, path), "utf8").includes("import.meta"));
      expect(using).toEqual(manifest.bin === undefined ? [] : ["dist/run.js"]);
    });

    test("has a declaration for every built module", () => {
      const modules = files.filter((path) => /^dist\/.+\.js$/.test(path)).map((path) => path.slice(5, -3));
      const lacking = modules.filter((path) => !files.includes(`dist/${path}.d.ts`));
      expect({ lacking, some: modules.length > 0 }).toEqual({ lacking: [], some: true });
    });

    test("declares its entry point also for tools that do not read exports", () => {
      const { main, types, exports } = manifest;
      expect({ types, default: main }).toEqual(exports?.["."]);
    });
  },
);
