// Packs all packages into the folder packed/, and prints the commands that install them in another project without a
// registry: npm run pack:local

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const folder = join(root, "packed");

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const tarballs = Object.fromEntries(["core", "express", "fastify", "testing", "cli"].map((name) => [name, pack(name)]));

console.log(`
Install in your API, with Express:
  npm install ${tarballs.core} ${tarballs.express} express
with Fastify:
  npm install ${tarballs.core} ${tarballs.fastify} fastify
For its tests:
  npm install --save-dev ${tarballs.testing} vitest typescript @types/express @types/node
The command line:
  npm install --save-dev ${tarballs.core} ${tarballs.cli}`);

/**
 * @param {string} name of a folder of packages/
 * @returns {string} the path of the tarball
 */
function pack(name) {
  const cwd = join(root, "packages", name);
  const parameters = ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder];
  const { status } = spawnSync("npm", parameters, { cwd, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) {
    console.error(`pack:local: npm pack failed for ${name}`);
    process.exit(1);
  }
  const { version } = JSON.parse(readFileSync(join(cwd, "package.json"), "utf8"));
  return join(folder, `certbound-${name}-${version}.tgz`);
}
