// Checks that package-lock.json is whole, up to date and free of download addresses, and that no file of the repository
// names a package registry: names, versions and integrity decide what is installed, from wherever the reader installs.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";

/**
 * @typedef {{ version?: string, resolved?: string, integrity?: string, link?: boolean, inBundle?: boolean,
 *   dependencies?: Record<string, string>, optionalDependencies?: Record<string, string>,
 *   [field: string]: unknown }} Entry
 */

/**
 * Lists what is wrong with the lock file of a directory, and which files that git knows name a registry.
 *
 * @param {string} rootDirectory
 * @returns {string[]}
 */
export function checkLock(rootDirectory) {
  /** @type {{ packages: Record<string, Entry> }} */
  const { packages } = JSON.parse(readFileSync(join(rootDirectory, "package-lock.json"), "utf8"));
  return [
    ...Object.entries(packages).flatMap(([path, entry]) => [
      ...holes(path, entry, packages),
      ...entryProblems(path, entry),
    ]),
    ...workspaces(rootDirectory).flatMap((folder) => outdated(rootDirectory, folder, packages[folder])),
    ...registryMentions(rootDirectory),
  ];
}

/**
 * What an entry depends on, and the lock file does not hold: `npm ci` would refuse it.
 *
 * @param {string} path
 * @param {Entry} entry
 * @param {Record<string, Entry>} packages
 */
function holes(path, entry, packages) {
  return Object.entries({ ...entry.dependencies, ...entry.optionalDependencies })
    .filter(([name]) => !foldersUpwards(path).some((folder) => packages[`${folder}node_modules/${name}`] !== undefined))
    .map(([name, range]) => `package-lock.json: ${path || "the root"} needs ${name}@${range}, which is not in it`);
}

/**
 * The folders in which Node looks for a dependency of a package: "a/b/" gives "a/b/", "a/" and "".
 *
 * @param {string} path
 * @returns {string[]}
 */
function foldersUpwards(path) {
  if (path === "") return [""];
  return [`${path}/`, ...foldersUpwards(path.slice(0, Math.max(path.lastIndexOf("/"), 0)))];
}

/** @param {string} path @param {Entry} entry */
function entryProblems(path, entry) {
  const problems = [];
  const installed = path.includes("node_modules/") && entry.link !== true;
  if (/^[a-z+]+:/.test(entry.resolved ?? "")) problems.push("records a download address");
  if (installed && entry.version === undefined) problems.push("has no version");
  if (installed && entry.integrity === undefined && entry.inBundle !== true) problems.push("has no integrity");
  return problems.map((problem) => `package-lock.json: ${path} ${problem}`);
}

/**
 * The folders of the repository's own packages; "" is the root.
 *
 * @param {string} root
 * @returns {string[]}
 */
function workspaces(root) {
  /** @type {{ workspaces: string[] }} */
  const { workspaces: patterns } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const folders = patterns.flatMap((pattern) => {
    if (!pattern.endsWith("/*")) return [pattern];
    const parent = pattern.slice(0, -2);
    return existsSync(join(root, parent)) ? readdirSync(join(root, parent)).map((name) => `${parent}/${name}`) : [];
  });
  return ["", ...folders.filter((folder) => existsSync(join(root, folder, "package.json")))];
}

const COPIED = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "engines"];

/**
 * What of a package.json is not copied to the lock file: `npm ci` would refuse it.
 *
 * @param {string} root
 * @param {string} folder
 * @param {Record<string, unknown> | undefined} entry
 */
function outdated(root, folder, entry) {
  const path = join(folder, "package.json");
  if (entry === undefined) return [`package-lock.json: does not hold ${path}; run npm install`];
  /** @type {Record<string, unknown>} */
  const manifest = JSON.parse(readFileSync(join(root, path), "utf8"));
  return COPIED.filter((field) => !isDeepStrictEqual(manifest[field] ?? {}, entry[field] ?? {})).map(
    (field) => `package-lock.json: differs from the ${field} of ${path}; run npm install`,
  );
}

const REGISTRY = [
  /\b(?:registry|packages?|npm)\.(?:npmjs|yarnpkg|npmmirror|jsr|pkg\.github)\.[a-z]+/i, // a well-known host
  /"resolved":\s*"[a-z+]+:/, // an address in a lock file
  /\bregistry["']?\s*[=:]\s*["']?https?:/i, // a setting
  /https?:\/\/[^\s"'<>]+\/-\/[^\s"'<>]+\.tgz\b/, // a tarball
];

/** @param {string} root @returns {string[]} */
function registryMentions(root) {
  const files = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
  });
  const existing = files.split("\0").filter((file) => file !== "" && existsSync(join(root, file)));
  return existing
    .filter((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return REGISTRY.some((pattern) => pattern.test(text));
    })
    .map((file) => `${file}: names a package registry or a download address`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkLock(dirname(dirname(process.argv[1])));
  for (const problem of problems) console.error(problem);
  console.log(`lock: ${problems.length === 0 ? "no problems" : `${problems.length} problems`}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
