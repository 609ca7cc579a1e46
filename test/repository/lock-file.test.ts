import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

// `npm ci` fails if a lock file is incomplete or does not match the manifests, and `.npmrc` omits download addresses from it.
// These tests check the rest.

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Entry {
  readonly integrity?: string;
  readonly link?: boolean;
  readonly inBundle?: boolean;
}

/** Matches registries and download addresses. */
const registry = [
  /\b(?:registry|packages?|npm)\.(?:npmjs|yarnpkg|npmmirror|jsr|pkg\.github)\.[a-z]+/i, // a well-known host
  /"resolved":\s*"[a-z+]+:/, // an address in a lock file
  /\bregistry["']?\s*[=:]\s*["']?https?:/i, // a setting
  /https?:\/\/[^\s"'<>]+\/-\/[^\s"'<>]+\.tgz\b/, // a tarball
];

function namesRegistry(text: string): boolean {
  return registry.some((pattern) => pattern.test(text));
}

const folders = ["", "examples/frameworks/", "site/", "test/build-tools/", "test/comparison/", "tools/release/"];

test.each(folders.map((folder) => `${folder}package-lock.json`))(
  "every package in %s has an integrity hash",
  (file) => {
    const { packages } = JSON.parse(readFileSync(`${root}/${file}`, "utf8")) as {
      packages: Record<string, Entry>;
    };
    const installed = Object.entries(packages).filter(([path, { link }]) => path.includes("node_modules/") && !link);
    const without = installed.filter(([, { integrity, inBundle }]) => integrity === undefined && !inBundle);
    expect(installed.length).toBeGreaterThan(20);
    expect(without.map(([path]) => path)).toEqual([]);
  },
);

// Without git, the files of the repository are not known.
test.skipIf(!existsSync(`${root}/.git`))("no file of the repository names a package registry", () => {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const files = execFileSync("git", list, { cwd: root, encoding: "utf8" }).split("\0");
  const existing = files.filter((file) => file !== "" && existsSync(`${root}/${file}`));
  const naming = existing.filter((file) => namesRegistry(readFileSync(`${root}/${file}`, "utf8")));
  expect(naming).toEqual([]);
});

// Assembled from parts, because this file belongs to the repository, too.
const address = ["https:", "", "packages.example", "a", "-", "a-1.0.0.tgz"].join("/");

test.each([
  ["a well-known host", ["registry", "npmjs", "org"].join(".")],
  ["an address in a lock file", `"resolved": "${address}"`],
  ["a setting", `registry=${address}`],
  ["a tarball", address],
])("%s counts as naming a registry", (_name, text) => {
  expect(namesRegistry(text)).toBe(true);
});

test("a link to a project does not count as naming a registry", () => {
  expect(namesRegistry("https://packages.example/a")).toBe(false);
});
