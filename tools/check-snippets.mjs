// Checks the Markdown pages and the examples in doc comments. Every block of JavaScript or TypeScript must equal a file, or a
// part of a file, that is compiled or run elsewhere. Every link to a page of the repository must have a target.
// `--write` updates the blocks. For doc comments, see doc-comment-examples.mjs.
//
//   <!-- source: FILE -->          the whole file
//   <!-- source: FILE#NAME -->     the lines between `// #region NAME` and `// #endregion`, from all regions of this name

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";
import { problemsOfExamples, sources, withCurrentExamples } from "./doc-comment-examples.mjs";
import { githubSlug } from "./github-slug.mjs";
import { regionOf } from "./regions.mjs";

const LANGUAGES = new Set(["js", "cjs", "mjs", "jsx", "javascript", "ts", "cts", "mts", "tsx", "typescript"]);
const block = /^( *)(?:<!-- source: ([^\s#]+)(?:#(\S+))? -->\n *)?```(\w*)([^`\n]*)\n([\s\S]*?)^ *```$/gm;

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
    .filter(([, , source, , language = ""]) => source === undefined && LANGUAGES.has(language.toLowerCase()))
    .map(([, , , , , , code = ""]) => `${page}: a code block has no source: ${code.split("\n")[0]}`);
  const stale =
    text === upToDate(text) ? [] : [`${page}: a code block differs from its source; run npm run snippets -- --write`];
  return [...unsourced, ...stale, ...deadLinks(page, text)];
}

/**
 * Returns the page after replacing every block that names a source by the current text of that source.
 *
 * @param {string} text
 */
export function upToDate(text) {
  return text.replaceAll(block, (whole, indent, source, name, language, info) => {
    if (source === undefined) return whole;
    const code = regionOf(source, name).replaceAll(/^(?=.)/gm, indent);
    return `${whole.slice(0, whole.indexOf("-->"))}-->\n${indent}\`\`\`${language}${info}\n${code}${indent}\`\`\``;
  });
}

/**
 * @param {string} page
 * @param {string} text
 */
function deadLinks(page, text) {
  // Ignores inline code, except in the text of links.
  const prose = text.replaceAll(block, "").replaceAll(/(?<!\[)`[^`\n]+`(?!\])/g, "");
  const links = prose.matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"\n]*")?\)|^ *\[[^\]]+\]: +<?([^\s>]+)/gm);
  return [...links]
    .map(([, target, defined = ""]) => target ?? defined)
    .filter((target) => !/^(?:https?:|mailto:)/.test(target))
    .filter((target) => {
      const [path = "", anchor] = target.split("#");
      const file = path === "" ? page : join(dirname(page), path);
      if (target.startsWith("/") || !existsSync(file)) return true;
      if (anchor !== undefined && !file.endsWith(".md")) return true;
      return anchor !== undefined && !anchorsOf(path === "" ? text : readFileSync(file, "utf8")).has(anchor);
    })
    .map((target) => `${page}: the link ${target} has no target`);
}

/** Returns the anchors of a page's headings. @param {string} text */
function anchorsOf(text) {
  const headings = text.replaceAll(block, "").matchAll(/^#+ +(.*)$/gm);
  return new Set([...headings].map(([, heading = ""]) => githubSlug(heading)));
}

/** Lists the Markdown pages of the repository. The working directory must be its root. @returns {string[]} */
export function pages() {
  const top = readdirSync(".").filter((name) => name.endsWith(".md"));
  return [...top, ...["docs", "packages", "examples", "test"].flatMap(pagesIn)];
}

/** @param {string} folder @returns {string[]} */
function pagesIn(folder) {
  return readdirSync(folder, { encoding: "utf8", recursive: true })
    .filter((page) => page.endsWith(".md") && !page.endsWith(".api.md") && !page.includes("node_modules"))
    .map((page) => join(folder, page));
}

/**
 * Updates a file, if its text differs.
 *
 * @param {string} file
 * @param {(text: string) => string} update
 */
function write(file, update) {
  const text = readFileSync(file, "utf8");
  const updated = update(text);
  if (text !== updated) writeFileSync(file, updated);
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  process.chdir(dirname(dirname(argv[1])));
  if (argv.includes("--write")) {
    for (const page of pages()) write(page, upToDate);
    for (const file of sources()) write(file, withCurrentExamples);
  }
  const problems = [
    ...pages().flatMap((page) => problemsOf(relative(".", page), readFileSync(page, "utf8"))),
    ...sources().flatMap((file) => problemsOfExamples(file, readFileSync(file, "utf8"))),
  ];
  for (const problem of problems) console.error(problem);
  console.log(`snippets: ${problems.length === 0 ? "no problems" : `${problems.length} problems`}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
