// Checks and writes the examples in the doc comments of the packages' sources. Every example is a region of a file that is
// compiled and run by a test:
//
//   @example
//   <!-- source: FILE#NAME -->
//   ```ts
//   ```

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { regionOf } from "./regions.mjs";

const comment = /\/\*\*[\s\S]*?\*\//g;
const tag = /^ *(?:\/\*)?\* @example\b/gm;
const codeBlock = /^ *\* *(?:```|~~~)\w/gm;
const example = /^( *\*) @example\n\1 <!-- source: ([^\s#]+)#(\S+) -->\n\1 ```ts\n((?:\1(?: (?!```$).*)?\n)*)\1 ```$/gm;

/**
 * Lists the problems of a source file: examples without a source, and examples that differ from their source.
 *
 * @param {string} file its path
 * @param {string} text
 * @returns {string[]}
 */
export function problemsOfExamples(file, text) {
  const comments = text.match(comment) ?? [];
  const unsourced = comments
    .filter((doc) => {
      const count = (doc.match(example) ?? []).length;
      return [tag, codeBlock].some((part) => (doc.match(part) ?? []).length !== count);
    })
    .map((doc) => `${file}: an @example has no source: ${firstLine(doc)}`);
  const stale = comments
    .filter((doc) => doc !== withCurrentExamples(doc))
    .map((doc) => `${file}: an @example differs from its source: ${firstLine(doc)}; run npm run snippets -- --write`);
  return [...unsourced, ...stale];
}

/**
 * Returns the text of a source file after replacing every example by the current text of its region.
 *
 * @param {string} text
 * @throws Error if a region contains the end of a comment
 */
export function withCurrentExamples(text) {
  return text.replaceAll(comment, (doc) =>
    doc.replaceAll(example, (_whole, margin, file, name) => {
      const code = regionOf(file, name);
      if (code.includes("*/")) throw new Error(`${file}: the region ${name} contains the end of a comment`);
      const lines = ["@example", `<!-- source: ${file}#${name} -->`, "```ts", ...code.trimEnd().split("\n"), "```"];
      return lines.map((line) => `${margin} ${line}`.trimEnd()).join("\n");
    }),
  );
}

/** Lists the source files of the packages. The working directory must be the root of the repository. @returns {string[]} */
export function sources() {
  return readdirSync("packages").flatMap((name) => {
    const folder = join("packages", name, "src");
    return readdirSync(folder, { encoding: "utf8", recursive: true })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(folder, file));
  });
}

/** @param {string} doc */
function firstLine(doc) {
  return doc.match(/\w.*/)?.[0] ?? "";
}
