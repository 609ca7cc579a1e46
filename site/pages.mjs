// Lists the pages of the site, and copies them into the folder from which the site is built.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = fileURLToPath(new URL("pages/", import.meta.url));

/** The file of each page outside docs/, and the page's path on the site. */
const OTHER_PAGES = {
  "README.md": "index.md",
  "SECURITY.md": "security.md",
  "CONTRIBUTING.md": "contributing.md",
  "CHANGELOG.md": "changelog.md",
  "packages/core/README.md": "packages/core.md",
  "packages/express/README.md": "packages/express.md",
  "packages/fastify/README.md": "packages/fastify.md",
  "packages/testing/README.md": "packages/testing.md",
  "packages/cli/README.md": "packages/cli.md",
};

/** Writes all pages except those of the API reference. */
export function writePages() {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(join(target, "public"), { recursive: true });
  for (const [file, page] of Object.entries(pagesByFile())) {
    mkdirSync(dirname(join(target, page)), { recursive: true });
    writeFileSync(join(target, page), withSiteLinks(file, page, readFileSync(join(root, file), "utf8")));
  }
  // The start page of the site is not the README.
  cpSync(fileURLToPath(new URL("index.md", import.meta.url)), join(target, "index.md"));
  cpSync(fileURLToPath(new URL("favicon.svg", import.meta.url)), join(target, "public/favicon.svg"));
  cpSync(join(root, "docs/pictures"), join(target, "pictures"), { recursive: true });
}

/** @returns {Record<string, string>} the path of each page on the site, by its file in the repository */
function pagesByFile() {
  const docs = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  return { ...Object.fromEntries(docs.map((name) => [`docs/${name}`, name])), ...OTHER_PAGES };
}

/**
 * Points the links between files of the repository to the pages of the site. A link to a file that is not a page, such as
 * an example, becomes its text and the path of the file.
 *
 * @param {string} file
 * @param {string} page
 * @param {string} text
 */
function withSiteLinks(file, page, text) {
  return withoutSourceReferences(file, text).replaceAll(
    // Code, or a link with an optional title.
    /^ *```[\s\S]*?^ *```|`[^`\n]+`|(!?)\[([^\]]*(?:\[[^\]]*\])?[^\]]*)\]\((?!https?:|mailto:|#)<?([^)#\s>]+)(#[^)\s>]*)?>?(?: "[^"\n]*")?\)/gm,
    (...match) => {
      const [whole, image, label, path, anchor = ""] = match;
      if (path === undefined) return whole;
      const linked = normalize(join(dirname(file), path)).replace(/\/$/, "");
      if (image !== "") return `![${label}](${toPage(page, linked.replace("docs/", ""))})`;
      const linkedPage = pagesByFile()[linked] ?? pagesByFile()[`${linked}/README.md`];
      if (linkedPage !== undefined) return `[${titleFor(label, linked)}](${toPage(page, linkedPage)}${anchor})`;
      if (!existsSync(join(root, linked))) throw new Error(`${file}: ${path} does not exist`);
      return label.includes(linked.split("/").at(-1)) ? `${label}` : `${label} (\`${linked}\`)`;
    },
  );
}

/**
 * Returns the title of the page if the text of a link is a file name. Otherwise returns the text.
 *
 * @param {string} label
 * @param {string} file
 */
function titleFor(label, file) {
  if (!/^[\w-]+\.md$/.test(label)) return label;
  return /^# (.*)$/m.exec(readFileSync(join(root, file), "utf8"))?.[1] ?? label;
}

/**
 * Turns reference links to files that are not pages, such as `[8705-binding]`, into code, and removes their definitions.
 *
 * @param {string} file
 * @param {string} text
 */
function withoutSourceReferences(file, text) {
  const sources = [...text.matchAll(/^\[([^\]]+)\]: (?!https?:)(\S+)$\n?/gm)].filter(
    ([, , path]) => pagesByFile()[normalize(join(dirname(file), path))] === undefined,
  );
  let result = text;
  for (const [definition, name] of sources)
    result = result.replace(definition, "").replaceAll(`[${name}]`, `\`${name}\``);
  return result;
}

/**
 * @param {string} from the page that links
 * @param {string} to
 */
function toPage(from, to) {
  const path = relative(dirname(from), to);
  return path.startsWith(".") ? path : `./${path}`;
}
