import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vitest/config";
import { plainReporter } from "./helpers/plain-reporter.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const onBuiltPackages = process.env["TEST_DIST"] === "1";

/** Sends a unit test's `../src/x.ts` to the built `../dist/x.js`, so that one test has one copy of a module. */
const builtModules: Plugin = {
  name: "certbound:built-modules",
  enforce: "pre",
  resolveId(specifier, importer) {
    if (importer === undefined || !specifier.startsWith(".")) return null;
    const path = resolve(dirname(importer), specifier);
    const built = path.replace(/(\/packages\/[^/]+)\/src\/(.+)\.ts$/, "$1/dist/$2.js");
    return built === path ? null : built;
  },
};

export default defineConfig({
  root,
  plugins: onBuiltPackages ? [builtModules] : [],
  resolve: {
    // Sources, so that coverage sees them. With TEST_DIST=1 the names lead through node_modules to dist, as for a user.
    alias: onBuiltPackages
      ? []
      : [
          { find: /^@certbound\/(cli|core|express|fastify|testing)$/, replacement: `${root}packages/$1/src/index.ts` },
          { find: /^@certbound\/core\/internal$/, replacement: `${root}packages/core/src/internal.ts` },
        ],
  },
  test: {
    include: ["packages/*/test/**/*.test.ts", "test/**/*.test.ts", "examples/quick-start/*.test.ts"],
    exclude: ["**/node_modules/**", "test/build-tools/**"],
    pool: "forks",
    maxWorkers: 2,
    // One import of the sources for each worker, not for each file: that was most of the time. With what is built, which
    // Node loads itself, a worker on Node 20 came to hold two copies of core.
    isolate: onBuiltPackages,
    // Many tests are about APIs over plain HTTP, or without certificates: what is said of them is no news here.
    execArgv: ["--disable-warning=CertboundWarning"],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // What is built is loaded by Node itself, not transformed.
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    reporters: ["default", plainReporter()],
    // It works on every Node.js that the tests run on; what it says of some, and of its memory, is no news here.
    onConsoleLog: (log) => !/^oidc-provider WARNING: (?:Unsupported runtime|a quick start)/.test(log),
    typecheck: {
      checker: "tsc",
      include: ["**/*.test-d.ts"],
      exclude: ["**/node_modules/**", "**/dist/**"],
      tsconfig: "test/tsconfig.json",
    },
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      reporter: ["text-summary", "json-summary"],
      reportsDirectory: "coverage",
      thresholds: { "packages/core/src/**": { 100: true } },
    },
  },
});
