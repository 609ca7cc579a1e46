import { describe, expect, test } from "vitest";
import { problemsOf, upToDate } from "../../tools/check-snippets.mjs";
import { problemsOfExamples, sources, withCurrentExamples } from "../../tools/doc-comment-examples.mjs";
import { packageNames } from "../../tools/packages.mjs";

const source = "test/repository/snippets/sample.ts";
const fence = "```";
const pageOf = (comment: string, code: string, language = "ts"): string =>
  `# Page\n\n${comment}${fence}${language}\n${code}${fence}\n`;
const lines = ['const [name = ""] = argv;', "return name.length;"];
const first = 'import { argv } from "node:process";\n';
const whole = `${first}\nexport function sample(): number {\n${lines.map((line) => `  ${line}\n`).join("")}}\n`;
const parts = `${first}${lines.join("\n")}\n`;

describe("a code block", () => {
  test.each([
    ["can be a whole file without its markers", pageOf(`<!-- source: ${source} -->\n`, whole)],
    ["can be the regions of a file without their indentation", pageOf(`<!-- source: ${source}#part -->\n`, parts)],
    ["needs no source in another language", pageOf("", "npm install\n", "sh")],
  ])("%s", (_name, page) => {
    expect(problemsOf("README.md", page)).toEqual([]);
    expect(upToDate(page)).toBe(page);
  });

  test.each(["js", "mjs", "ts"])("in %s needs a source", (language) => {
    expect(problemsOf("README.md", pageOf("", "sample();\n", language))).toEqual([
      "README.md: a code block has no source: sample();",
    ]);
  });

  test.each(["ts title", "TS", "tsx", "ts {1}"])("in the language %s needs a source", (language) => {
    expect(problemsOf("README.md", pageOf("", "sample();\n", language))).toHaveLength(1);
  });

  test("that differs is reported and updated", () => {
    const page = pageOf(`<!-- source: ${source}#part -->\n`, "return 0;\n");
    expect(problemsOf("README.md", page)).toEqual([expect.stringContaining("differs from its source")]);
    expect(upToDate(page)).toBe(pageOf(`<!-- source: ${source}#part -->\n`, parts));
  });

  test("in a list keeps the indentation of the list", () => {
    const page = `1. Then\n\n   <!-- source: ${source}#part -->\n   ${fence}ts\n   old\n   ${fence}\n`;
    const inList = parts.replaceAll(/^(?=.)/gm, "   ");
    expect(upToDate(page)).toContain(`   ${fence}ts\n${inList}   ${fence}\n`);
  });

  test("cannot be a region that does not exist", () => {
    expect(() => upToDate(pageOf(`<!-- source: ${source}#other -->\n`, "x\n"))).toThrow("has no region other");
  });
});

describe("a link", () => {
  const problems = (link: string) => problemsOf("README.md", `See [there](${link}).\n`);

  test.each([
    "docs/errors.md",
    "LICENSE",
    "CONTRIBUTING.md#who-may-import-what",
    "https://example.com/nowhere",
    "#here",
  ])("can have the target %s", (link) => {
    expect(problemsOf("README.md", `# Here\n\n[there](${link})\n`)).toEqual([]);
  });

  test.each(["docs/error.md", "docs/errors.md#nowhere", "#nowhere", "/docs/errors.md"])(
    "cannot have the target %s",
    (link) => {
      expect(problems(link)).toEqual([`README.md: the link ${link} has no target`]);
    },
  );

  test.each([
    ["with a title", '[there](nowhere.md "Nowhere")'],
    ["in angle brackets", "[there](<nowhere.md>)"],
    ["by reference", "[there][1]\n\n[1]: nowhere.md"],
    ["with code in its text", "`a` and [`there`](nowhere.md)"],
    ["in a table", "| a |\n|---|\n| [there](nowhere.md) |"],
  ])("%s needs a target", (_how, link) => {
    expect(problemsOf("README.md", `${link}\n`)).toEqual(["README.md: the link nowhere.md has no target"]);
  });

  test.each([`${fence}sh\n[there](nowhere)\n${fence}`, "`handlers[name](request)`"])(
    "in code is not checked: %j",
    (code) => {
      expect(problemsOf("README.md", `${code}\n`)).toEqual([]);
    },
  );
});

describe("an example in a doc comment", () => {
  const docComment = (code: string, { from = `${source}#part`, indent = "" } = {}): string =>
    ["/**", " * Returns a length.", " *", " * @example", ` * <!-- source: ${from} -->`, ` * ${fence}ts`]
      .concat(code.split("\n").map((line) => ` * ${line}`.trimEnd()))
      .concat([` * ${fence}`, " * @throws TypeError", " */", "export function sample(): number;", ""])
      .map((line) => (line === "" ? line : indent + line))
      .join("\n");
  const current = docComment(parts.trimEnd());

  test("can be a region of a file", () => {
    expect(problemsOfExamples("sample.ts", current)).toEqual([]);
    expect(withCurrentExamples(current)).toBe(current);
  });

  test.each([
    ["has another text", docComment("return 0;")],
    ["is empty", docComment("")],
    ["lacks a line", docComment(lines.join("\n"))],
    ["has an additional blank line", docComment(`${first}\n${lines.join("\n")}`)],
  ])("that %s is reported and updated", (_name, text) => {
    expect(problemsOfExamples("sample.ts", text)).toEqual([
      "sample.ts: an @example differs from its source: Returns a length.; run npm run snippets -- --write",
    ]);
    expect(withCurrentExamples(text)).toBe(current);
  });

  test("keeps the indentation of the comment", () => {
    const indent = "  ";
    expect(withCurrentExamples(docComment("old", { indent }))).toBe(docComment(parts.trimEnd(), { indent }));
  });

  test.each([
    ["no source", current.replace(/ \* <!-- .*\n/, "")],
    ["no fence", current.replaceAll(/^ \* ```.*\n/gm, "")],
    ["a fence that is not closed", current.replace(/^ \* ```$/m, " *")],
    ["a fence in another language", current.replace("```ts", "```js")],
    ["a whole file as its source", current.replace("#part", "")],
    ["code without the tag", current.replace(" * @example\n", "")],
    ["code on one line", "/** Returns a length. @example sample(); */\n".replace(" @", "\n * @")],
  ])("with %s is reported", (_name, text) => {
    expect(problemsOfExamples("sample.ts", text)).toEqual(["sample.ts: an @example has no source: Returns a length."]);
    expect(withCurrentExamples(text)).toBe(text);
  });

  test("is reported if the comment has another example with a source", () => {
    const two = current.replace(" * @throws", " * @example sample();\n * @throws");
    expect(problemsOfExamples("sample.ts", two)).toEqual([expect.stringContaining("has no source")]);
  });

  test("cannot be a region that does not exist, or that would end the comment", () => {
    expect(() => withCurrentExamples(docComment("old", { from: `${source}#other` }))).toThrow("has no region other");
    const ending = docComment("old", { from: "test/repository/snippets/comment.ts#part" });
    expect(() => withCurrentExamples(ending)).toThrow("the region part contains the end of a comment");
  });

  test("is checked in the sources of every package", () => {
    expect(sources()).toEqual(expect.arrayContaining(packageNames.map((name) => `packages/${name}/src/index.ts`)));
  });
});
