import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runCli } from "./running.ts";

const certificate = readFileSync(new URL("output/client.pem", import.meta.url), "utf8");

test.each(["explain", "thumbprint", "check-server"])(
  "%s --help prints the usage and the exit codes",
  async (command) => {
    for (const option of ["--help", "-h"]) {
      const { exitCode, stdout } = await runCli([command, option]);
      expect({ exitCode, stdout }).toEqual({
        exitCode: 0,
        stdout: expect.stringMatching(/^Usage: certbound .*Exit codes:\n {2}0/s),
      });
      expect(Math.max(...stdout.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(120);
    }
  },
);

test("certbound --version prints the version", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect(await runCli(["--version"])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
});

test.each([[[]], [["explian"]], [["--verbose"]], [["constructor"]]])(
  "certbound rejects the arguments %j",
  async (argv) => {
    expect(await runCli(argv)).toEqual({ exitCode: 2, stdout: "", stderr: expect.stringContaining("--help") });
  },
);

test("certbound --json prints a usage error as JSON", async () => {
  const { exitCode, stdout, stderr } = await runCli(["thumbprint", "--json"]);
  expect({ exitCode, stderr, output: JSON.parse(stdout) as unknown }).toEqual({
    exitCode: 2,
    stderr: "",
    output: { command: "thumbprint", exitCode: 2, error: expect.stringContaining("one argument") },
  });
});

test("certbound uses colours only on a terminal, and not with NO_COLOR", async () => {
  const colours = async (given: Parameters<typeof runCli>[1]): Promise<boolean> =>
    (await runCli(["thumbprint", "-"], { ...given, stdin: certificate })).stdout.includes("\u001b[");
  expect(await colours({ isTTY: true })).toBe(true);
  expect(await colours({ isTTY: true, env: { NO_COLOR: "1" } })).toBe(false);
  expect(await colours({ isTTY: false })).toBe(false);
});

test("certbound --json never uses colours", async () => {
  expect((await runCli(["thumbprint", "-", "--json"], { stdin: certificate, isTTY: true })).stdout).not.toContain(
    "\u001b[",
  );
});
