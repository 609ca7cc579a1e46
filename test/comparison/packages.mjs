// The facts about each installed package: version, licence, Node.js versions, dependencies and size.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {{ readonly name: string, readonly version: string, readonly license: string, readonly engines?: { readonly node?: string }, readonly dependencies?: Readonly<Record<string, string>> }} Manifest */

const here = fileURLToPath(new URL(".", import.meta.url));
const repository = join(here, "../..");

/** Reads the facts about a package and its dependencies, without its peers. @param {string} name */
export function factsOf(name) {
  const folders = closureOf(folderOf(name, here));
  const [{ version, license, engines }] = /** @type {[Manifest]} */ (folders.map(manifestOf));
  const bytes = folders.reduce((sum, folder) => sum + sizeOf(folder), 0);
  return {
    // The page always describes the version in this repository.
    version: name.startsWith("@certbound/") ? "this one" : version,
    license,
    node: engines?.node ?? "not stated",
    dependencies: folders.length - 1,
    bytes,
  };
}

/** Returns the folders of a package and of all its dependencies. @param {string} start */
function closureOf(start) {
  const folders = [start];
  for (const folder of folders) {
    for (const name of Object.keys(manifestOf(folder).dependencies ?? {})) {
      const dependency = folderOf(name, folder);
      if (!folders.includes(dependency)) folders.push(dependency);
    }
  }
  return folders;
}

/** Finds a package as Node.js does. @param {string} name @param {string} from @returns {string} */
function folderOf(name, from) {
  const folder = join(from, "node_modules", name);
  if (existsSync(join(folder, "package.json"))) return realpathSync(folder);
  if (from === dirname(from)) throw new Error(`${name} is not installed`);
  return folderOf(name, dirname(from));
}

/** @param {string} folder @returns {Manifest} */
function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

/** Adds up the sizes of the files. For a package of this repository, counts only published files. @param {string} folder */
function sizeOf(folder) {
  if (folder.startsWith(join(repository, "packages"))) {
    const listing = execFileSync("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"], { cwd: folder });
    const packed = JSON.parse(listing.toString());
    return Object.values(packed)[0].unpackedSize;
  }
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (file) => !/^node_modules\b/.test(file),
  );
  return files
    .map((file) => statSync(join(folder, file)))
    .reduce((sum, file) => sum + (file.isFile() ? file.size : 0), 0);
}
