import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { describeWithProgram } from "../helpers/program.ts";

const demo = fileURLToPath(new URL("../../examples/demo/demo.js", import.meta.url));

describeWithProgram("curl", "curl", () => {
  test("the demo with --serve prints commands that work and do not contain the token", async () => {
    const child = spawn(process.execPath, [demo, "--serve"], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const printed: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      printed.push(line);
      if (line.includes("Ctrl-C")) break;
    }
    const commands = printed.filter((line) => line.startsWith("curl "));
    const statuses = commands.map(async (command) => {
      const { stdout } = await promisify(execFile)("sh", ["-c", command.replace("curl", "curl -sS --noproxy '*'")]);
      return stdout.split(" ")[1];
    });
    expect(await Promise.all(statuses)).toEqual(["200", "401", "401", "200", "401", "401"]);

    const [, file = ""] = /-H @(\S+)/.exec(commands[0] ?? "") ?? [];
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const [, , token = ""] = readFileSync(file, "utf8").split(" ");
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(printed.join("\n")).not.toContain(token);

    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(() => statSync(file)).toThrow(/ENOENT/);
  });
});
