import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { checkLayers } from "../../tools/check-layers.mjs";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const copies: string[] = [];

afterEach(() => {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true });
});

/** Copies the packages' sources, adds text to some of them or creates them, and lists the problems that this brings. */
function problemsWith(additions: Record<string, string>): string[] {
  const copy = mkdtempSync(join(tmpdir(), "certbound-layers-"));
  copies.push(copy);
  cpSync(join(repository, "packages"), join(copy, "packages"), {
    recursive: true,
    filter: (path) => !/\/(node_modules|dist|test|\.turbo)$/.test(path),
  });
  for (const [path, text] of Object.entries(additions)) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    appendFileSync(join(copy, path), `\n${text}\n`);
  }
  const before = checkLayers(repository);
  return checkLayers(copy).filter((problem) => !before.includes(problem));
}

describe("the layers", () => {
  test("hold in this repository", () => {
    expect(checkLayers(repository)).toEqual([]);
  });

  test.each([
    ['import { createVerifier } from "./verifier.ts";', "as a value"],
    ['import type { Verifier } from "./verifier.ts";', "as a type"],
    ['import {\n  type Verifier,\n  createVerifier,\n} from "./verifier.ts";', "on several lines"],
    ['export { createVerifier } from "./verifier.ts";', "by exporting it again"],
    ['import "./verifier.ts";', "for its side effects"],
    ['const verifier = import("./verifier.ts");', "dynamically"],
    ['type Verifier = import("./verifier.ts").Verifier;', "in a type expression"],
  ])("refuse %s", (statement) => {
    expect(problemsWith({ "packages/core/src/binding.ts": statement })).toContainEqual(
      expect.stringMatching(
        /^packages\/core\/src\/binding\.ts: is in layer \d+ and imports \.\/verifier\.ts, .* layer \d+$/,
      ),
    );
  });

  test.each([
    '// import "./verifier.ts";',
    '/* import("./verifier.ts") */',
    "const text = 'import \"./verifier.ts\"';",
  ])("let %s pass", (text) => {
    expect(problemsWith({ "packages/core/src/binding.ts": text })).toEqual([]);
  });

  test("refuse a file of the same layer", () => {
    const problems = problemsWith({ "packages/core/src/binding.ts": 'import "./events/decision.ts";' });
    expect(problems).toContainEqual(expect.stringContaining("binding.ts: is in layer"));
  });

  test("let files of one folder import each other, but not in a circle", () => {
    const first = { "packages/core/src/issuer/keys/first.ts": 'import "./second.ts";' };
    const second = "packages/core/src/issuer/keys/second.ts";
    expect(problemsWith({ ...first, [second]: "" })).toEqual([]);
    expect(problemsWith({ ...first, [second]: 'import "./first.ts";' })).toEqual([
      expect.stringMatching(/issuer\/keys\/(first|second)\.ts: imports itself in a circle: .*first.*second/),
    ]);
  });

  test("refuse a file that the table does not name", () => {
    expect(problemsWith({ "packages/core/src/novelty.ts": "" })).toEqual([
      "packages/core/src/novelty.ts: is not in the table of layers",
    ]);
  });

  test("refuse a name in the table without its file", () => {
    const copy = mkdtempSync(join(tmpdir(), "certbound-layers-"));
    copies.push(copy);
    mkdirSync(join(copy, "packages/core/src"), { recursive: true });
    writeFileSync(join(copy, "packages/core/src/errors.ts"), "");
    expect(checkLayers(copy)).toContain("packages/core/src/index.ts: is in the table of layers, but does not exist");
  });
});

describe("the structure check", () => {
  test.each([
    'process.env["X"];',
    "process?.env;",
    'process["env"];',
    "const { env } = process;",
    'import { env } from "node:process";',
    "const text = `${process.env.X}`;",
  ])("refuses %s outside of the file that reads the options", (statement) => {
    expect(problemsWith({ "packages/core/src/http/authorization-header.ts": statement })).toEqual([
      "packages/core/src/http/authorization-header.ts: reads process.env, which only packages/core/src/options/verifier-options.ts and packages/cli/src/bin.ts may",
    ]);
    expect(problemsWith({ "packages/core/src/options/verifier-options.ts": statement })).toEqual([]);
    expect(problemsWith({ "packages/cli/src/bin.ts": statement })).toEqual([]);
    expect(problemsWith({ "packages/cli/src/run.ts": statement })).toHaveLength(1);
  });

  test.each([
    ["packages/express/src/protect-api.ts", 'import "@certbound/core/dist/verifier.js";'],
    ["packages/express/src/protect-api.ts", 'import "../../core/src/verifier.ts";'],
    ["packages/fastify/src/protect-api.ts", 'import "@certbound/testing";'],
    ["packages/core/src/http/authorization-header.ts", 'import "@certbound/core";'],
    ["packages/core/src/http/authorization-header.ts", 'import "../../../../test/helpers/plain-reporter.ts";'],
    ["packages/testing/src/planted.ts", 'import "../../../examples/demo/demo.js";'],
    ["packages/core/src/http/authorization-header.ts", 'import "./absent.ts";'],
    ["packages/core/src/http/authorization-header.ts", "void import(name);"],
  ])("refuses in %s: %s", (path, statement) => {
    expect(problemsWith({ [path]: statement })).toContainEqual(expect.stringMatching(`^${path}: imports `));
  });

  test("refuses code in an index, and a star that is not an adapter's of core", () => {
    const path = "packages/core/src/index.ts";
    expect(problemsWith({ [path]: "export const answer = 42;" })).toEqual([
      expect.stringContaining("more than re-exports"),
    ]);
    expect(problemsWith({ [path]: 'export * from "./errors.ts";' })).toEqual([
      expect.stringContaining("re-exports by *"),
    ]);
  });

  test("refuses a public declaration without a doc comment", () => {
    const declaring = (comment: string): string[] =>
      problemsWith({
        "packages/testing/src/planted.ts": `${comment}\nexport function planted(): void {}`,
        "packages/testing/src/index.ts": 'export { planted as renamed } from "./planted.ts";',
      });
    const problem = "packages/testing/src/planted.ts: planted is public and has no doc comment";
    expect(declaring("")).toEqual([problem]);
    expect(declaring("/* Plain. */")).toEqual([problem]);
    expect(declaring("/** A doc comment. */\nconst between = 1;")).toEqual([problem]);
    expect(declaring("/** A doc comment. */")).toEqual([]);
  });

  test("refuses an adapter that grows", () => {
    const lines = "const line = 1;\n".repeat(90);
    expect(problemsWith({ "packages/fastify/src/planted.ts": lines })).toEqual([
      expect.stringMatching(/^packages\/fastify\/src\/: has \d+ lines of code; an adapter stays under 90$/),
    ]);
    expect(problemsWith({ "packages/fastify/src/planted.ts": lines.replaceAll(/^/gm, "// ") })).toEqual([]);
  });
});
