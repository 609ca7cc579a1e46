import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tools = join(root, "node_modules/.bin");

/** Violations, each in a different file, with the rule that reports it. */
const violations: readonly (readonly [name: string, file: string, code: string, rule: string])[] = [
  [
    "an import from a higher layer",
    "packages/core/src/http/rejection.ts",
    'import { timesOf } from "../token/claims.ts"; export const planted = timesOf;',
    "no-restricted-imports",
  ],
  [
    "an import of a type from a file in the top folder",
    "packages/core/src/values/json-object.ts",
    'import type { Verifier } from "../verifier.ts"; export type Planted = Verifier;',
    "no-restricted-imports",
  ],
  [
    "a re-export of a file in the top folder",
    "packages/core/src/runtime/clock.ts",
    'export * from "../credentials.ts";',
    "no-restricted-imports",
  ],
  [
    "a dynamic import",
    "packages/core/src/events/decision.ts",
    'export const planted = import("../verifier.ts");',
    "no-restricted-imports",
  ],
  [
    "an import from a nested folder",
    "packages/core/src/issuer/keys/key-set.ts",
    'import { timesOf } from "../../token/claims.ts"; export const planted = timesOf;',
    "no-restricted-imports",
  ],
  [
    "a circular import",
    "packages/core/src/binding.ts",
    'import { createVerifier } from "./verifier.ts"; export const planted = createVerifier;',
    "no-cycle",
  ],
  [
    "the environment",
    "packages/core/src/certificate/setup-warnings.ts",
    "export const planted = process.env;",
    "no-process-env",
  ],
  [
    "the environment as an import",
    "packages/core/src/proxy/xfcc.ts",
    'import { env } from "node:process"; export const planted = env;',
    "no-restricted-imports",
  ],
  [
    "core by its name in core",
    "packages/core/src/access-token.ts",
    'import { planted as other } from "@certbound/core"; export const planted = other;',
    "no-restricted-imports",
  ],
  [
    "a file of core in an adapter",
    "packages/express/src/responses.ts",
    'import { planted as other } from "@certbound/core/dist/verifier.js"; export const planted = other;',
    "no-restricted-imports",
  ],
  [
    "an internal module of core in an adapter",
    "packages/fastify/src/protect-api.ts",
    'import { planted as other } from "@certbound/core/internal"; export const planted = other;',
    "no-restricted-imports",
  ],
  [
    "an internal module of core in an example",
    "examples/quick-start/app.ts",
    'import { planted as other } from "@certbound/core/internal"; export const planted = other;',
    "no-restricted-imports",
  ],
  [
    "a built file of core in the command line",
    "packages/cli/src/bin.ts",
    'import { planted as other } from "@certbound/core/dist/verifier.js"; export const planted = other;',
    "no-restricted-imports",
  ],
  [
    "the test kit in an adapter",
    "packages/fastify/src/plugin.ts",
    'import { planted as other } from "@certbound/testing"; export const planted = other;',
    "no-restricted-imports",
  ],
  [
    "a test in a package",
    "packages/cli/src/run.ts",
    'import { planted as other } from "../test/support/planted.ts"; export const planted = other;',
    "no-restricted-imports",
  ],
  [
    "an adapter that is too long",
    "packages/express/src/protect-api.ts",
    Array.from({ length: 80 }, (_, index) => `export const planted${index} = ${index};`).join("\n"),
    "max-lines",
  ],
  [
    "a test that is skipped without a condition",
    "packages/testing/src/clock.ts",
    ['import { test } from "vitest"; test', 'skip("is skipped", () => {});'].join("."),
    "no-disabled-tests",
  ],
  [
    "a test without a body",
    "packages/testing/src/start-server.ts",
    ['import { test } from "vitest"; test', 'todo("is to be written");'].join("."),
    "warn-todo",
  ],
];

let copy: string;
let found: readonly string[];

/** Runs the linter on a copy of the packages and the examples with the violations, and lists each file with its rule. */
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "certbound-lint-"));
  const filter = (path: string): boolean => !/\/(node_modules|dist|test|\.turbo)$/.test(path);
  for (const folder of ["packages", "examples"]) {
    cpSync(join(root, folder), join(copy, folder), { recursive: true, filter });
  }
  for (const file of [".oxlintrc.json", "tsconfig.json"]) cpSync(join(root, file), join(copy, file));
  for (const [, file, code] of violations) appendFileSync(join(copy, file), `\n${code}\n`);
  const { stdout } = spawnSync(join(tools, "oxlint"), ["--format", "json", "packages", "examples"], {
    cwd: copy,
    encoding: "utf8",
    // oxlint looks for the type-aware linter on the path.
    env: { ...process.env, PATH: `${tools}:${process.env["PATH"]}` },
  });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: readonly { code: string; filename: string }[] };
  found = diagnostics.map(({ filename, code }) => `${filename} ${code}`);
});
afterAll(() => rmSync(copy, { recursive: true }));

test.each(violations)("the linter reports %s", (_name, file, _code, rule) => {
  expect(found).toContainEqual(expect.stringMatching(`^${file.replaceAll(".", "\\.")} .*${rule}`));
});
