// Prepares a release: sets the version of all packages by their changesets, and moves the changes into CHANGELOG.md.
// Without changesets, the version does not change, as for the first release: npm run version

import read from "@changesets/read";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../commands.mjs";
import { manifestOf, root } from "../packages.mjs";
import { withRelease } from "./changelog.mjs";

const ORDER = ["none", "patch", "minor", "major"];
const changesets = await read(root);

run("node", ["tools/release/node_modules/@changesets/cli/bin.js", "version"], root);
run("npm", ["install", "--package-lock-only", "--ignore-scripts"], root);

const { version } = manifestOf("core");
const changes = changesets.map(({ summary, releases }) => ({
  summary,
  type: releases
    .map(({ type }) => type)
    .reduce((one, other) => (ORDER.indexOf(one) < ORDER.indexOf(other) ? other : one), "none"),
}));
const file = join(root, "CHANGELOG.md");
const date = new Date().toISOString().slice(0, 10);
writeFileSync(file, withRelease(readFileSync(file, "utf8"), { version, date, changes }));
console.log(`version: ${version}. Next: npm run release:dry, merge, and push the tag v${version}`);
