// Code blocks in Markdown that follow `<!-- source: FILE -->` must be that file, which is compiled or run elsewhere.
// `--write` brings them up to date.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { argv } from "node:process";

const marked = /(<!-- source: (\S+) -->\n```\w+\n)([\s\S]*?)(```\n)/g;

let stale = 0;
for (const page of ["README.md", ...pages("docs"), ...pages("packages")]) {
  const text = readFileSync(page, "utf8");
  const current = text.replace(
    marked,
    (_block, start, source, _code, end) => start + readFileSync(source, "utf8") + end,
  );
  if (current === text) continue;
  if (argv.includes("--write")) writeFileSync(page, current);
  else {
    stale += 1;
    console.error(`${page}: a code block differs from its source; run node tools/check-snippets.mjs --write`);
  }
}
process.exitCode = stale === 0 ? 0 : 1;

/**
 * @param {string} folder
 * @returns {string[]}
 */
function pages(folder) {
  return readdirSync(folder, { encoding: "utf8", recursive: true })
    .filter((page) => page.endsWith(".md") && !page.includes("node_modules"))
    .map((page) => join(folder, page));
}
