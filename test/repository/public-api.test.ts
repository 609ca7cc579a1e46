import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const packages = fileURLToPath(new URL("../../packages/", import.meta.url));
const reexport = /^export (?:type )?(?:\{([^}]*)\}|\*) from "([^"]+)";$/gm;

/** Lists the public declarations of a source file without a doc comment, through the files that it exports from. */
function undocumented(index: string): readonly string[] {
  return [...readFileSync(index, "utf8").matchAll(reexport)].flatMap(([, names, specifier = ""]) => {
    const file = join(dirname(index), specifier);
    if (names === undefined || !existsSync(file)) return [];
    const source = readFileSync(file, "utf8");
    const exported = names.split(",").map(
      (name) =>
        name
          .trim()
          .replace(/^type /, "")
          .split(" as ")[0] ?? "",
    );
    return exported.filter((name) => name !== "" && !hasDocComment(source, name)).map((name) => `${specifier} ${name}`);
  });
}

function hasDocComment(source: string, name: string): boolean {
  return new RegExp(`\\*/\\nexport (?:async )?(?:function|interface|type|const|class) ${name}\\b`).test(source);
}

describe.each(["core", "express", "fastify", "testing", "cli"])("the index of %s", (name) => {
  const index = join(packages, name, "src/index.ts");

  test("exports only what has a doc comment", () => {
    expect(undocumented(index)).toEqual([]);
  });

  test("holds named exports of other files, and nothing else; an adapter exports all of core", () => {
    const source = readFileSync(index, "utf8");
    expect(source.replaceAll(reexport, "").trim()).toBe("");
    const all = [...source.matchAll(/^export \* from "(.*)";$/gm)].map(([, specifier]) => specifier);
    expect(all).toEqual(name === "express" || name === "fastify" ? ["@certbound/core"] : []);
  });
});

describe("what core shares with the other packages of this project", () => {
  const internal = join(packages, "core/src/internal.ts");
  const source = readFileSync(internal, "utf8");

  test("has a doc comment", () => {
    expect(undocumented(internal)).toEqual([]);
  });

  test("consists of named exports, after a comment that says that it is not public", () => {
    const [comment = "", ...rest] = source.split("\n\n");
    expect(comment).toMatch(/^\/\/ .*not part of the public API/);
    expect(rest.join("\n\n").replaceAll(reexport, "").trim()).toBe("");
    expect(source).not.toContain("export *");
  });

  test("is not exported by the index as well", () => {
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
