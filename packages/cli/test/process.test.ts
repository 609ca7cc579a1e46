import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, openSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { createFolder, type Folder, preload, program, type Run, runCli, runProgram } from "./running.ts";

const MARKER = "UExBTlRFRC1NQVJLRVIt";

let folder: Folder;
beforeAll(() => {
  folder = createFolder();
});
afterAll(() => folder.remove());

function namedPipe(name: string): string {
  const path = join(folder.path, name);
  execFileSync("/usr/bin/env", ["mkfifo", path]);
  return path;
}

describe("the output", () => {
  test.each(["explain", "thumbprint", "check-server"])(
    "does not change the exit code of %s --help if its reader closes it",
    async (command) => {
      const child = spawn(process.execPath, [program, command, "--help"]);
      child.stdout.destroy();
      const [stderr, [exitCode]] = await Promise.all([text(child.stderr), once(child, "close") as Promise<[number]>]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    },
  );

  test("does not change the exit code of a usage error if its reader closes it", async () => {
    const child = spawn(process.execPath, [program, "explain", "--nothing"]);
    child.stderr.destroy();
    const [stdout, [exitCode]] = await Promise.all([text(child.stdout), once(child, "close") as Promise<[number]>]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });

  test("leads to exit code 3 if the device is full", async () => {
    const full = openSync("/dev/full", "w");
    const child = spawn(process.execPath, [program, "--help"], { stdio: ["ignore", full, "pipe"] });
    // The type includes null, but with these options stderr is a stream.
    const [stderr, [exitCode]] = await Promise.all([
      text(child.stderr as NonNullable<typeof child.stderr>),
      once(child, "close") as Promise<[number]>,
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: "certbound: the output cannot be written (ENOSPC)\n" });
  });
});

describe("the input", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test("can be a named pipe, which is read until it ends", async () => {
    const path = namedPipe("written");
    const result = runProgram(["thumbprint", path]);
    // Opens once the program has opened the other end.
    createWriteStream(path).end("x");
    expect(await result).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("no certificate") });
  });

  test("is rejected once it is too long, even if it does not end", async () => {
    const child = spawn(process.execPath, [program, "thumbprint", "-"]);
    child.stdin.on("error", () => {});
    const write = (): void => {
      while (child.stdin.writable && child.stdin.write("x".repeat(65_536)));
    };
    child.stdin.on("drain", write);
    write();
    const [stderr, [exitCode]] = await Promise.all([text(child.stderr), once(child, "close") as Promise<[number]>]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining("longer than") });
  });

  test("is rejected if it is a directory", async () => {
    const directory = openSync(folder.path, "r");
    const child = spawn(process.execPath, [program, "thumbprint", "-"], { stdio: [directory, "pipe", "pipe"] });
    const [exitCode] = (await once(child, "close")) as [number];
    expect([1, 2]).toContain(exitCode);
  });

  test.each<[string, () => string]>([
    ["a named pipe without a writer", () => namedPipe("silent")],
    ["standard input", () => "-"],
  ])("is rejected after 60 s if it never ends: %s", async (_name, source) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const timers = vi.getTimerCount();
    // Never yields, like a terminal without input.
    const never = (async function* () {
      yield await new Promise<string>(() => {});
    })();
    const result = runCli(["thumbprint", source()], { stdin: never });
    // Waits until the input is open and the timer has started.
    while (vi.getTimerCount() === timers) await setImmediate();
    let isSettled = false;
    void result.then(() => (isSettled = true));
    await vi.advanceTimersByTimeAsync(59_999);
    expect(isSettled).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await result).toEqual({
      exitCode: 2,
      stdout: "",
      stderr: "certbound: thumbprint: the input does not end within 60 s\n",
    });
  });

  test("does not keep the process running if it never ends", async () => {
    // Shortens the limit of 60 s to 1 ms.
    const shortenLimit =
      "const { setTimeout } = globalThis; globalThis.setTimeout = (callback) => setTimeout(callback, 1);";
    const child = spawn(process.execPath, [program, "thumbprint", "-"], {
      env: { NODE_OPTIONS: preload(shortenLimit) },
    });
    const [exitCode] = (await once(child, "exit")) as [number];
    child.stdin.destroy();
    expect(exitCode).toBe(2);
    expect(
      await runProgram(["thumbprint", namedPipe("unwritten")], { env: { NODE_OPTIONS: preload(shortenLimit) } }),
    ).toMatchObject({
      exitCode: 2,
    });
  });
});

describe("an internal error", () => {
  /** Each code breaks a function that the program uses. */
  test.each<[string, string, readonly string[], string]>([
    [
      "in the program",
      `const { parse } = JSON;
      JSON.parse = (text) => {
        if (text.includes("@certbound/cli")) throw new RangeError("${MARKER}");
        return parse(text);
      };`,
      ["--version"],
      "RangeError",
    ],
    [
      "in an event handler",
      `const { once } = process;
      process.once = (name, listener) => {
        once.call(process, name, listener);
        if (name === "uncaughtException") process.nextTick(() => { throw new RangeError("${MARKER}"); });
      };`,
      ["thumbprint", "-"],
      "RangeError",
    ],
    [
      "that leaves a promise pending",
      "globalThis.setTimeout = () => {}; process.stdin[Symbol.asyncIterator] = () => ({ next: () => new Promise(() => {}) });",
      ["thumbprint", "-"],
      "Error",
    ],
  ])("%s is reported in one sentence, with exit code 3", async (_name, code, parameters, error) => {
    const run: Run = await runProgram(parameters, { env: { NODE_OPTIONS: preload(code) } });
    expect(run).toEqual({
      exitCode: 3,
      stdout: "",
      stderr: `certbound: internal error (${error}): this is a bug in certbound, please report it\n`,
    });
  });

  test("is not reported for a working program", async () => {
    const { exitCode, stderr } = await runProgram(["--version"], { env: { NODE_OPTIONS: preload("JSON.parse;") } });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });
});
