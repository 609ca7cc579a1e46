// Packs all packages into the folder packed/, and prints the commands that install them in another project without a
// registry: npm run pack:local

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pack, packageNames, root } from "./packages.mjs";

const folder = join(root, "packed");

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const tarballs = Object.fromEntries(packageNames.map((name) => [name, join(folder, pack(name, folder).filename)]));

console.log(`
Install in your API, with Express:
  npm install ${tarballs.core} ${tarballs.express} express
with Fastify:
  npm install ${tarballs.core} ${tarballs.fastify} fastify
For its tests:
  npm install --save-dev ${tarballs.testing} vitest typescript @types/express @types/node
The command line:
  npm install --save-dev ${tarballs.core} ${tarballs.cli}`);
