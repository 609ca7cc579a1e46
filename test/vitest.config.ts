import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vitest/config";
import { plainReporter } from "./helpers/plain-reporter.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const onBuiltPackages = process.env["TEST_DIST"] === "1";

/** Resolves `../src/x.ts` in a unit test to the built `../dist/x.js`, so that a test has only one copy of a module. */
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
    // Uses the sources, for coverage. With TEST_DIST=1, the names resolve to dist through node_modules, as for a user.
    alias: onBuiltPackages
      ? []
      : [
          { find: /^@certbound\/(cli|core|express|fastify|testing)$/, replacement: `${root}packages/$1/src/index.ts` },
          { find: /^@certbound\/core\/internal$/, replacement: `${root}packages/core/src/internal.ts` },
        ],
  },
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "test/**/*.test.ts",
      "test/guides/*/*.test.js",
      "examples/quick-start/*.test.ts",
    ],
    exclude: ["**/node_modules/**", "test/build-tools/**", "test/comparison/**"],
    pool: "forks",
    maxWorkers: 2,
    // Without isolation, each worker imports the sources only once, which is much faster. The built packages need isolation,
    // because a worker on Node 20 would otherwise load two copies of core.
    isolate: onBuiltPackages,
    // Many tests use APIs over plain HTTP or without certificates, and certbound warns about them.
    execArgv: ["--disable-warning=CertboundWarning"],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Node loads the built packages itself, without a transformation.
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    reporters: ["default", plainReporter()],
    // oidc-provider works on all tested versions of Node.js. Its warnings about some of them and about its in-memory store
    // are expected.
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
