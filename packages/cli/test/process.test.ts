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

describe("an output", () => {
  test.each(["explain", "thumbprint", "check-server"])(
    "that is closed by its reader does not change the exit code of %s --help",
    async (command) => {
      const child = spawn(process.execPath, [program, command, "--help"]);
      child.stdout.destroy();
      const [stderr, [exitCode]] = await Promise.all([text(child.stderr), once(child, "close") as Promise<[number]>]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    },
  );

  test("that is closed by its reader does not change the exit code of wrong usage", async () => {
    const child = spawn(process.execPath, [program, "explain", "--nothing"]);
    child.stderr.destroy();
    const [stdout, [exitCode]] = await Promise.all([text(child.stdout), once(child, "close") as Promise<[number]>]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  });

  test("on a full device is explained", async () => {
    const full = openSync("/dev/full", "w");
    const child = spawn(process.execPath, [program, "--help"], { stdio: ["ignore", full, "pipe"] });
    // By its declaration it can be null, by these options it is not.
    const [stderr, [exitCode]] = await Promise.all([
      text(child.stderr as NonNullable<typeof child.stderr>),
      once(child, "close") as Promise<[number]>,
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: "certbound: the output cannot be written (ENOSPC)\n" });
  });
});

describe("an input", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test("that is a named pipe is read until it ends", async () => {
    const path = namedPipe("written");
    const result = runProgram(["thumbprint", path]);
    // Opens when the program has opened the other end.
    createWriteStream(path).end("x");
    expect(await result).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("no certificate") });
  });

  test("that does not end is closed once it is too long", async () => {
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

  test("that is a directory is explained", async () => {
    const directory = openSync(folder.path, "r");
    const child = spawn(process.execPath, [program, "thumbprint", "-"], { stdio: [directory, "pipe", "pipe"] });
    const [exitCode] = (await once(child, "close")) as [number];
    expect([1, 2]).toContain(exitCode);
  });

  test.each<[string, () => string]>([
    ["a named pipe without a writer", () => namedPipe("silent")],
    ["standard input", () => "-"],
  ])("that never ends is left after 60 s: %s", async (_name, source) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const timers = vi.getTimerCount();
    // A generator that waits for ever, as a terminal does.
    const never = (async function* () {
      yield await new Promise<string>(() => {});
    })();
    const result = runCli(["thumbprint", source()], { stdin: never });
    // Until the input is open, and its time is running.
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

  test("that never ends does not keep the process running", async () => {
    // The limit of 60 s is over at once.
    const hasten = "const { setTimeout } = globalThis; globalThis.setTimeout = (callback) => setTimeout(callback, 1);";
    const child = spawn(process.execPath, [program, "thumbprint", "-"], { env: { NODE_OPTIONS: preload(hasten) } });
    const [exitCode] = (await once(child, "exit")) as [number];
    child.stdin.destroy();
    expect(exitCode).toBe(2);
    expect(
      await runProgram(["thumbprint", namedPipe("unwritten")], { env: { NODE_OPTIONS: preload(hasten) } }),
    ).toMatchObject({
      exitCode: 2,
    });
  });
});

describe("an internal error", () => {
  /** Each breaks something in the process that the program relies on. */
  test.each<[string, string, readonly string[], string]>([
    [
      "that is thrown",
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
      "that leaves nothing to wait for",
      "globalThis.setTimeout = () => {}; process.stdin[Symbol.asyncIterator] = () => ({ next: () => new Promise(() => {}) });",
      ["thumbprint", "-"],
      "Error",
    ],
  ])("%s is one sentence, and the exit code 3", async (_name, code, parameters, error) => {
    const run: Run = await runProgram(parameters, { env: { NODE_OPTIONS: preload(code) } });
    expect(run).toEqual({
      exitCode: 3,
      stdout: "",
      stderr: `certbound: internal error (${error}): this is a bug in certbound, please report it\n`,
    });
  });

  test("is not reported where nothing is broken", async () => {
    const { exitCode, stderr } = await runProgram(["--version"], { env: { NODE_OPTIONS: preload("JSON.parse;") } });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });
});
