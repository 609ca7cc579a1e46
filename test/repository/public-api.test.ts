import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { packageNames } from "../../tools/packages.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const packages = join(root, "packages");
const reexport = /^export (?:type )?(?:\{([^}]*)\}|\*) from "([^"]+)";$/gm;
/** Loads the types of Node.js, for compilers whose option `types` is empty. */
const nodeTypes = '/// <reference types="node" preserve="true" />\n\n';

interface Declaration {
  /** The file that declares it, relative to the index. */
  readonly specifier: string;
  readonly name: string;
  readonly isType: boolean;
  /** Undefined if the declaration has none. */
  readonly docComment: string | undefined;
}

/** Lists the public declarations of a source file, in the files that it exports from. */
function declarations(index: string): readonly Declaration[] {
  return [...readFileSync(index, "utf8").matchAll(reexport)].flatMap(([statement, names, specifier = ""]) => {
    const file = join(dirname(index), specifier);
    if (names === undefined || !existsSync(file)) return [];
    const source = readFileSync(file, "utf8");
    const exported = names.split(",").map((name) => name.trim());
    return exported.flatMap((text) => {
      const name = text.replace(/^type /, "").split(" as ")[0] ?? "";
      const isType = statement.startsWith("export type") || text.startsWith("type ");
      return name === "" ? [] : [{ specifier, name, isType, docComment: docCommentOf(source, name) }];
    });
  });
}

function docCommentOf(source: string, name: string): string | undefined {
  const [before, after] = source.split(
    new RegExp(`\\*/\\nexport (?:async )?(?:function|interface|type|const|class) ${name}\\b`),
  );
  return after === undefined ? undefined : before?.slice(before.lastIndexOf("/**"));
}

/** Lists the public declarations of a source file without a doc comment. */
function undocumented(index: string): readonly string[] {
  return declarations(index)
    .filter(({ docComment }) => docComment === undefined)
    .map(({ specifier, name }) => `${specifier} ${name}`);
}

/** Lists the tags of a doc comment, in order. Ignores tags inside examples. */
function tagsOf(docComment: string): readonly string[] {
  const tags = docComment.replaceAll(/^ *\* ```[\s\S]*?^ *\* ```$/gm, "").matchAll(/^ *(?:\/\*)?\* @(\w+)/gm);
  return [...tags].map(([, tag = ""]) => tag);
}

describe.each(packageNames)("the index of %s", (name) => {
  const index = join(packages, name, "src/index.ts");

  test("exports only what has a doc comment", () => {
    expect(undocumented(index)).toEqual([]);
  });

  test("exports only functions and classes whose doc comment has one example, before all other tags", () => {
    const values = declarations(index).filter(({ isType }) => !isType);
    const withoutExample = values.filter(({ docComment = "" }) => tagsOf(docComment).indexOf("example") !== 0);
    const withSeveral = values.filter(({ docComment = "" }) => tagsOf(docComment).lastIndexOf("example") > 0);
    expect(values.length).toBeGreaterThan(0);
    expect([...withoutExample, ...withSeveral].map((value) => `${value.specifier} ${value.name}`)).toEqual([]);
  });

  test("contains only a module comment and named exports of other files; an adapter also exports all of core", () => {
    const source = readFileSync(index, "utf8").replace(nodeTypes, "");
    const [comment = ""] = /^\/\*\*\n(?: \*.*\n)+/.exec(source) ?? [];
    expect(comment).toContain(` * @module @certbound/${name}\n`);
    expect(source.slice(comment.length).replaceAll(reexport, "").trim()).toBe("");
    const all = [...source.matchAll(/^export \* from "(.*)";$/gm)].map(([, specifier]) => specifier);
    expect(all).toEqual(name === "express" || name === "fastify" ? ["@certbound/core"] : []);
  });
});

describe("the doc comments", () => {
  test("show every region of test/api-examples once, and no other file", () => {
    const folder = "test/api-examples";
    const regions = readdirSync(join(root, folder)).flatMap((file) => {
      const markers = readFileSync(join(root, folder, file), "utf8").matchAll(/\/\/ #region (\S+)/g);
      return [...new Set([...markers].map(([, region]) => `${folder}/${file}#${region}`))];
    });
    const shown = packageNames.flatMap((name) =>
      declarations(join(packages, name, "src/index.ts")).flatMap(({ docComment = "" }) =>
        [...docComment.matchAll(/<!-- source: (\S+) -->/g)].map(([, source]) => source),
      ),
    );
    expect(new Set(shown)).toEqual(new Set(regions));
    expect(shown).toHaveLength(regions.length);
  });
});

describe("the internal module of core", () => {
  const internal = join(packages, "core/src/internal.ts");
  const source = readFileSync(internal, "utf8");

  test("has a doc comment", () => {
    expect(undocumented(internal)).toEqual([]);
  });

  test("contains only named exports, after a comment that it is not public", () => {
    const [comment = "", ...rest] = source.split("\n\n");
    expect(comment).toMatch(/^\/\/ .*not part of the public API/);
    expect(rest.join("\n\n").replaceAll(reexport, "").trim()).toBe("");
    expect(source).not.toContain("export *");
  });

  test("exports nothing that the index also exports", () => {
    const namesOf = (file: string): readonly string[] =>
      [...readFileSync(file, "utf8").matchAll(reexport)].flatMap(([, names = ""]) =>
        names.split(",").map(
          (name) =>
            name
              .trim()
              .replace(/^type /, "")
              .split(" as ")
              .at(-1) ?? "",
        ),
      );
    const index = new Set(namesOf(join(packages, "core/src/index.ts")));
    expect(namesOf(internal).filter((name) => name !== "" && index.has(name))).toEqual([]);
    expect(namesOf(internal)).toContain("MAX_KEYS");
  });
});
