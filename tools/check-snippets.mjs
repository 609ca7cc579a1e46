// Checks the Markdown pages. Every block of JavaScript or TypeScript must equal a file, or a part of a file, that is compiled
// or run elsewhere. Every link to a page of the repository must have a target.
// `--write` updates the blocks.
//
//   <!-- source: FILE -->          the whole file
//   <!-- source: FILE#NAME -->     the lines between `// #region NAME` and `// #endregion`, from all regions of this name

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";

const LANGUAGES = new Set(["js", "mjs", "javascript", "ts", "typescript"]);
const block = /^( *)(?:<!-- source: ([^\s#]+)(?:#(\S+))? -->\n *)?```(\w*)\n([\s\S]*?)^ *```$/gm;

/**
 * Lists the problems of a page: blocks without a source, blocks that differ from their source, and dead links.
 *
 * @param {string} page its path
 * @param {string} text
 * @returns {string[]}
 */
export function problemsOf(page, text) {
  const blocks = [...text.matchAll(block)];
  const unsourced = blocks
    .filter(([, , source, , language = ""]) => source === undefined && LANGUAGES.has(language))
    .map(([, , , , , code = ""]) => `${page}: a code block has no source: ${code.split("\n")[0]}`);
  const stale =
    text === upToDate(text) ? [] : [`${page}: a code block differs from its source; run npm run snippets -- --write`];
  return [...unsourced, ...stale, ...deadLinks(page, text)];
}

/**
 * Returns the page with the current text of the source in each block that has one.
 *
 * @param {string} text
 */
export function upToDate(text) {
  return text.replaceAll(block, (whole, indent, source, name, language) => {
    if (source === undefined) return whole;
    const code = partOf(readFileSync(source, "utf8"), name, source).replaceAll(/^(?=.)/gm, indent);
    return `${whole.slice(0, whole.indexOf("-->"))}-->\n${indent}\`\`\`${language}\n${code}${indent}\`\`\``;
  });
}

/** @param {string} line */
function isMarker(line) {
  return /^\s*(?:\/\/|#|<!--) #(?:end)?region\b/.test(line);
}

/**
 * @param {string} text
 * @param {string | undefined} name
 * @param {string} source
 */
function partOf(text, name, source) {
  // The markers of other regions inside this one are left out.
  const lines = text.split("\n");
  if (name === undefined) return lines.filter((line) => !isMarker(line)).join("\n");
  /** @type {string[][]} */
  const parts = [];
  /** @type {string[] | undefined} */
  let part;
  for (const line of lines) {
    if (isMarker(line)) {
      const begins = line.includes("#region") && line.trim().split(/\s+/).at(2) === name;
      part = begins ? [] : undefined;
      if (part !== undefined) parts.push(part);
    } else part?.push(line);
  }
  if (parts.length === 0) throw new Error(`${source}: has no region ${name}`);
  return `${parts.flatMap(withoutIndentation).join("\n")}\n`;
}

/** @param {string[]} lines */
function withoutIndentation(lines) {
  const indent = Math.min(...lines.filter((line) => line.trim() !== "").map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent));
}

/**
 * @param {string} page
 * @param {string} text
 */
function deadLinks(page, text) {
  return [...text.replaceAll(block, "").matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^(?:https?:|mailto:)/.test(target))
    .filter((target) => {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      if (target.startsWith("/") || !existsSync(file)) return true;
      if (anchor !== undefined && !file.endsWith(".md")) return true;
      return anchor !== undefined && !anchorsOf(path === "" ? text : readFileSync(file, "utf8")).has(anchor);
    })
    .map((target) => `${page}: the link ${target} leads nowhere`);
}

/** Returns the anchors of a page's headings, as GitHub creates them. @param {string} text */
function anchorsOf(text) {
  const headings = text.replaceAll(block, "").matchAll(/^#+ +(.*)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}

/** Lists the Markdown pages of the repository. The working directory must be its root. @returns {string[]} */
export function pages() {
  const top = readdirSync(".").filter((name) => name.endsWith(".md"));
  return [...top, ...["docs", "packages", "examples", "test"].flatMap(pagesIn)];
}

/** @param {string} folder @returns {string[]} */
function pagesIn(folder) {
  return readdirSync(folder, { encoding: "utf8", recursive: true })
    .filter((page) => page.endsWith(".md") && !page.includes("node_modules"))
    .map((page) => join(folder, page));
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  process.chdir(dirname(dirname(argv[1])));
  if (argv.includes("--write")) {
    for (const page of pages()) {
      const text = readFileSync(page, "utf8");
      if (text !== upToDate(text)) writeFileSync(page, upToDate(text));
    }
  }
  const problems = pages().flatMap((page) => problemsOf(relative(".", page), readFileSync(page, "utf8")));
  for (const problem of problems) console.error(problem);
  console.log(`snippets: ${problems.length === 0 ? "no problems" : `${problems.length} problems`}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
