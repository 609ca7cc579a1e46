import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const packageFolder = new URL("..", import.meta.url);

const readme = await readFile(new URL("README.md", packageFolder), "utf8");
const examples = Array.from(readme.matchAll(/```js\n(.*?)```/gs), ([, example = ""]) => example);

test("the README has an example of a bound token and one of introspection", () => {
  expect(examples).toHaveLength(2);
});

test.each(examples)("an example of the README runs on the built package and prints what it says", async (example) => {
  const printed = Array.from(example.matchAll(/console\.log\(.*\); \/\/ (.*)/g), ([, line]) => `${line}\n`);
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", example], {
    cwd: fileURLToPath(packageFolder),
  });
  expect(printed).not.toEqual([]);
  expect(stdout).toBe(printed.join(""));
});
