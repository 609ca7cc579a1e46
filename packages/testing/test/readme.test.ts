import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const packageFolder = new URL("..", import.meta.url);

test("the README's example runs on the built package and prints what it says", async () => {
  const readme = await readFile(new URL("README.md", packageFolder), "utf8");
  const [, example = ""] = /```js\n(.*?)```/s.exec(readme) ?? [];
  const [, printed] = /console\.log\(.*\); \/\/ (.*)/.exec(example) ?? [];
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", example], {
    cwd: fileURLToPath(packageFolder),
  });
  expect(stdout).toBe(`${printed}\n`);
});
