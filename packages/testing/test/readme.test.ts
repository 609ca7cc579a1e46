import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const packageFolder = new URL("..", import.meta.url);

const readme = await readFile(new URL("README.md", packageFolder), "utf8");
// the other examples are files that are tests themselves
const blocks = Array.from(readme.matchAll(/(?<!-->\n)```js\n(.*?)```/gs), ([, block = ""]) => block);
const [fiveLines = "", ...examples] = blocks;

test("the README has five lines that show everything, and an example of introspection", () => {
  expect(fiveLines.trim().split("\n")).toHaveLength(5);
  expect(examples).toHaveLength(1);
});

test("the five lines run on the built package", async () => {
  const program = `
    import { createTestKit } from "@certbound/testing";
    import { createServer } from "node:https";
    const createApp = (options) => (request, response) => {
      const { authorization } = request.headers;
      const { subject } = request.socket.getPeerX509Certificate();
      response.end([request.url, subject, authorization === "Bearer " + token, Object.keys(options)].join());
    };
    ${fiveLines}
    console.log(response.status, response.body);
    await kit.close();`;
  expect(await run(program)).toBe("200 /accounts,CN=client-1,true,issuer,audience,clock\n");
});

test.each(examples)("an example of the README runs on the built package and prints what it says", async (example) => {
  const printed = Array.from(example.matchAll(/console\.log\(.*\); \/\/ (.*)/g), ([, line]) => `${line}\n`);
  expect(printed).not.toEqual([]);
  expect(await run(example)).toBe(printed.join(""));
});

async function run(program: string): Promise<string> {
  const cwd = fileURLToPath(packageFolder);
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], { cwd });
  return stdout;
}
