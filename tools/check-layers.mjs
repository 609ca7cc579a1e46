// Checks the structure of the packages: who may import what, what an index holds, where the environment is read,
// how thin an adapter is, and that every public declaration has a doc comment.
// Imports are found by regular expressions in text whose comments and strings are masked: enough for formatted code.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { fileURLToPath } from "node:url";

/**
 * The layers of packages/core/src: a module imports lower layers only. Files of one folder may import each other.
 *
 * @type {Record<string, number>}
 */
const LAYERS = {
  "errors.ts": 0,
  "values/": 0,
  "http/": 1,
  "runtime/": 1,
  "certificate/": 2,
  "access-token.ts": 3,
  "proxy/": 3,
  "binding.ts": 4,
  "certificate-policy/": 4,
  "events/": 4,
  "credentials.ts": 5,
  "options/": 5,
  "issuer/": 6,
  "protected-resource.ts": 6,
  "requirements.ts": 6,
  "token/": 7,
  "cached-token.ts": 8,
  "verifier.ts": 9,
  "authenticator.ts": 10,
  "index.ts": 11,
};

const CORE = "packages/core/src/";
const ENVIRONMENT_READERS = [`${CORE}options/verifier-options.ts`, "packages/cli/src/bin.ts"];
const ADAPTERS = ["packages/express/src/", "packages/fastify/src/"];
const ADAPTER_LINES = 90;

/**
 * A source file. `code` is `text` with comments blanked and strings masked, character by character, so that a position
 * in one is the same position in the other.
 *
 * @typedef {{ path: string, folder: string, text: string, code: string, specifiers: string[] }} Source
 * @typedef {Map<string, Source>} Sources by their path from the root, which starts with the folder `packages/<name>/src/`
 */

/**
 * Lists what is wrong with the structure of the repository in a directory.
 *
 * @param {string} rootDirectory
 * @returns {string[]} problems, each starting with the file it is in
 */
export function checkLayers(rootDirectory) {
  const sources = readSources(rootDirectory);
  const all = [...sources.values()];
  return [
    ...tableProblems(all),
    ...all.flatMap((source) => importProblems(source, sources)),
    ...circles(sources),
    ...all.flatMap(environmentProblems),
    ...all.filter(isIndex).flatMap((index) => [...indexProblems(index), ...undocumented(index, sources)]),
    ...ADAPTERS.flatMap((folder) => sizeProblems(folder, all)),
  ];
}

// Reading

/** @param {string} root @returns {Sources} */
function readSources(root) {
  const folders = readdirSync(join(root, "packages")).map((name) => `packages/${name}/src/`);
  const existing = folders.filter((folder) => existsSync(join(root, folder)));
  const read = existing.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readSource(root, folder, name)),
  );
  return new Map(read.map((source) => [source.path, source]));
}

/** @param {string} root @param {string} folder @param {string} name @returns {Source} */
function readSource(root, folder, name) {
  const path = folder + name;
  const text = readFileSync(join(root, path), "utf8");
  const code = mask(text);
  return { path, folder, text, code, specifiers: specifiersIn(text, code) };
}

const COMMENT_OR_LITERAL = new RegExp(
  [
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*/, // comments
    /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/, // strings and templates
    // regular expressions, known by what is before them
    /(?<=(?:^|[(,=:[!&|?{};>\n]|\breturn)\s*)\/(?![*/])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//,
  ]
    .map(({ source }) => source)
    .join("|"),
  "g",
);

/**
 * Blanks comments and masks literals by underscores; keeps quotes, line feeds, and what a template interpolates.
 *
 * @param {string} text
 */
function mask(text) {
  return text.replaceAll(COMMENT_OR_LITERAL, (token) => {
    if (/^\/[/*]/.test(token)) return token.replaceAll(/[^\n]/g, " ");
    if (token.startsWith("`")) return token.replaceAll(/\$\{[^{}]*\}|[^\n]/g, (part) => (part.length > 1 ? part : "_"));
    return /^["']/.test(token) ? token[0] + "_".repeat(token.length - 2) + token[0] : "_".repeat(token.length);
  });
}

const IMPORTS = [
  /(?<=^\s*(?:import|export)\b[\w$*,{}\s]*\bfrom\s*["'])_*(?=["'])/gm, // import and export ... from "x"
  /(?<=\bimport\s*["'])_*(?=["'])/g, // import "x"
  /(?<=\b(?:import|require)\s*\(\s*["'])_*(?=["'])/g, // import("x"), also as a type; require("x")
];

/** @param {string} text @param {string} code @returns {string[]} */
function specifiersIn(text, code) {
  const matches = IMPORTS.flatMap((pattern) => [...code.matchAll(pattern)]);
  return matches.map(({ 0: { length }, index }) => text.slice(index, index + length));
}

// Imports

/** @param {Source[]} sources */
function tableProblems(sources) {
  const names = sources.filter(({ folder }) => folder === CORE).map(({ path }) => path.slice(CORE.length));
  const rows = new Set(names.map(rowOf));
  return [
    ...names.filter((name) => rowOf(name) === undefined).map((name) => `${CORE}${name}: is not in the table of layers`),
    ...Object.keys(LAYERS)
      .filter((row) => !rows.has(row))
      .map((row) => `${CORE}${row}: is in the table of layers, but does not exist`),
  ];
}

/**
 * The row of the table for a file of core: its own or its folder's.
 *
 * @param {string} name
 * @returns {string | undefined}
 */
function rowOf(name) {
  return Object.keys(LAYERS).find((row) => row === name || (row.endsWith("/") && name.startsWith(row)));
}

/** @param {Source} source @param {Sources} sources */
function importProblems(source, sources) {
  const problems = source.specifiers.map((specifier) =>
    specifier.startsWith(".") ? fileProblem(source, specifier, sources) : packageProblem(source, specifier),
  );
  if (/\b(?:import|require)\s*\(\s*[^"'\s]/.test(source.code)) problems.push("imports what is not a string literal");
  return problems.filter((problem) => problem !== undefined).map((problem) => `${source.path}: ${problem}`);
}

/** @param {Source} source @param {string} specifier @param {Sources} sources @returns {string | undefined} */
function fileProblem(source, specifier, sources) {
  const target = join(dirname(source.path), specifier);
  if (!target.startsWith(source.folder)) return `imports ${specifier}, which is outside ${source.folder}`;
  if (!sources.has(target)) return `imports ${specifier}, which does not exist`;
  if (source.folder !== CORE) return undefined;
  const [from, to] = [source.path, target].map((path) => rowOf(path.slice(CORE.length)));
  if (from === undefined || to === undefined || (from === to && from.endsWith("/"))) return undefined;
  const [layer = 0, imported = 0] = [LAYERS[from], LAYERS[to]];
  return imported < layer ? undefined : `is in layer ${layer} and imports ${specifier}, which is in layer ${imported}`;
}

/** @param {Source} source @param {string} specifier @returns {string | undefined} */
function packageProblem(source, specifier) {
  if (!specifier.startsWith("@certbound/")) return undefined;
  if (source.folder !== CORE && specifier === "@certbound/core") return undefined;
  return `imports ${specifier}; of this repository's packages only @certbound/core may be imported, by that name`;
}

/**
 * Every circle of imports, once.
 *
 * @param {Sources} sources
 */
function circles(sources) {
  /** @type {string[]} */
  const problems = [];
  /** @type {Set<string>} */
  const done = new Set();
  /** @param {string} path @param {string[]} trail */
  const visit = (path, trail) => {
    const source = sources.get(path);
    if (source === undefined || done.has(path)) return;
    if (trail.includes(path)) {
      problems.push(`${path}: imports itself in a circle: ${[...trail.slice(trail.indexOf(path)), path].join(" -> ")}`);
      return;
    }
    const files = source.specifiers.filter((specifier) => specifier.startsWith("."));
    for (const specifier of files) visit(join(dirname(path), specifier), [...trail, path]);
    done.add(path);
  };
  for (const path of sources.keys()) visit(path, []);
  return problems;
}

// Single files

const ENVIRONMENT = [
  /\bprocess\s*(?:\?\.|\.)\s*env\b/, // process.env
  /\bprocess\s*(?:\?\.)?\s*\[/, // process["env"]
  /\{[^{}]*\benv\b[^{}]*\}\s*=\s*(?:globalThis\.)?process\b/, // const { env } = process
];

/** @param {Source} source */
function environmentProblems({ path, text, code }) {
  const imported = /\bimport\s*\{[^}]*\benv\b[^}]*\}\s*from\s*["'](?:node:)?process["']/.test(text);
  const reads = imported || ENVIRONMENT.some((pattern) => pattern.test(code));
  return reads && !ENVIRONMENT_READERS.includes(path)
    ? [`${path}: reads process.env, which only ${ENVIRONMENT_READERS.join(" and ")} may`]
    : [];
}

/** @param {Source} source */
function isIndex({ path, folder }) {
  return path === `${folder}index.ts`;
}

/** @param {Source} index */
function indexProblems({ path, folder, text, code }) {
  const rest = code.replaceAll(/^export\s+(?:type\s+)?(?:\{[^}]*\}|\*)\s*from\s*(["'])_*\1;?/gm, "").trim();
  const problems = rest === "" ? [] : [`${path}: holds more than re-exports: ${rest.split("\n")[0]}`];
  for (const { index } of code.matchAll(/^export\s+(?:type\s+)?\*/gm)) {
    const ofCore = /^export\s+\*\s+from\s+"@certbound\/core"/.test(text.slice(index));
    if (!ofCore || !ADAPTERS.includes(folder)) problems.push(`${path}: re-exports by *; name what is public`);
  }
  return problems;
}

/** @param {string} folder @param {Source[]} sources */
function sizeProblems(folder, sources) {
  const lines = sources.filter((source) => source.folder === folder).flatMap(({ code }) => code.split("\n"));
  const count = lines.filter((line) => line.trim() !== "").length;
  return count < ADAPTER_LINES
    ? []
    : [`${folder}: has ${count} lines of code; an adapter stays under ${ADAPTER_LINES}`];
}

// Doc comments

/** @param {Source} index @param {Sources} sources */
function undocumented(index, sources) {
  return reexports(index).flatMap(({ name, specifier }) => docProblems(index, name, specifier, sources));
}

/**
 * Follows a re-exported name to its declaration.
 *
 * @param {Source} source
 * @param {string} name
 * @param {string} specifier
 * @param {Sources} sources
 * @returns {string[]}
 */
function docProblems(source, name, specifier, sources) {
  const target = sources.get(join(dirname(source.path), specifier));
  if (target === undefined) return [];
  const further = reexports(target).find(({ exported }) => exported === name);
  if (further !== undefined && target !== source) return docProblems(target, further.name, further.specifier, sources);
  const position = declarationOf(target.code, name);
  if (position < 0) return [`${target.path}: does not declare ${name}, which ${source.path} exports`];
  return hasDocComment(target.text.slice(0, position))
    ? []
    : [`${target.path}: ${name} is public and has no doc comment`];
}

/**
 * The names that a file re-exports from other files.
 *
 * @param {Source} source
 */
function reexports({ text, code }) {
  const statements = code.matchAll(/^export\s+(?:type\s+)?\{([^}]*)\}\s*from\s*["'](_*)["']/dgm);
  return [...statements].flatMap(({ 1: names = "", indices }) => {
    const specifier = text.slice(...(indices?.[2] ?? [0, 0]));
    const items = names.split(",").map((item) => item.trim().replace(/^type\s+/, ""));
    return items.filter(Boolean).map((item) => {
      const [name = "", exported = name] = item.split(/\s+as\s+/);
      return { name, exported, specifier };
    });
  });
}

/**
 * The position of the first declaration of a name at the top level, or -1.
 *
 * @param {string} code
 * @param {string} name
 * @returns {number}
 */
function declarationOf(code, name) {
  if (name === "default") {
    const [, identifier] = /^export\s+default\s+([\w$]+)\s*;?\s*$/m.exec(code) ?? [];
    return identifier === undefined ? code.search(/^export\s+default\b/m) : declarationOf(code, identifier);
  }
  const modifiers = "(?:(?:export|default|declare|abstract|async)\\s+)*";
  const keyword = "(?:function|class|interface|type|const|let|enum|namespace)";
  return code.search(new RegExp(`^${modifiers}${keyword}\\b[\\s*]+${name.replaceAll("$", "\\$")}(?![\\w$])`, "m"));
}

/** @param {string} before the text before a declaration */
function hasDocComment(before) {
  const text = before.replace(/(?:\s*\/\/[^\n]*)*\s*$/, "");
  return text.endsWith("*/") && text.startsWith("/**", text.lastIndexOf("/*"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkLayers(join(dirname(process.argv[1]), ".."));
  for (const problem of problems) console.error(problem);
  console.log(`layers: ${problems.length === 0 ? "no problems" : `${problems.length} problems`}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
