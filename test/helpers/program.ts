import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, closeSync, constants, openSync, readFileSync } from "node:fs";
import { connect, type NetConnectOpts } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";

/** A program that runs until it is stopped. */
export interface Program {
  /** Returns its output on stdout and stderr so far. */
  readonly output: () => string;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Sends SIGTERM, and SIGKILL if the program does not exit. */
  readonly stop: () => Promise<void>;
  /** Sends SIGKILL. */
  readonly kill: () => Promise<void>;
}

/** The command that starts a program. */
export interface Command {
  readonly binary: string;
  readonly args: readonly string[];
  /** The working directory and home directory. */
  readonly folder: string;
}

const START_MS = 10_000;
const STOP_MS = 3_000;
// Debian installs servers in these folders, which are not always in PATH.
const searchPath = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin"];

/** Finds a program in PATH, or where Debian installs servers. */
function findBinary(name: string): string | undefined {
  return searchPath.map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * Groups tests that need a program. If it is not installed, reports a single skipped test instead of the group; in
 * continuous integration, that test fails.
 */
export function describeWithProgram(binary: string, name: string, tests: () => void): void {
  const path = findBinary(binary);
  test(`${binary} is installed, for the tests of "${name}"`, ({ skip }) => {
    skip(path === undefined && (process.env["CI"] ?? "") === "", `${binary} is not installed`);
    expect(path).toBeDefined();
  });
  describe.each(path === undefined ? [] : [name])("%s", () => {
    tests();
  });
}

/** Checks whether a program is installed. */
export function isInstalled(binary: string): boolean {
  return findBinary(binary) !== undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts a program and waits until it accepts connections on all listeners.
 *
 * @throws Error with the program's output if the program exits or does not start in time
 */
export async function startProgram(command: Command, listeners: readonly NetConnectOpts[]): Promise<Program> {
  const { binary, args, folder } = command;
  const path = findBinary(binary);
  if (path === undefined) throw new Error(`${binary} is not installed`);
  // Not a pipe, because httpd opens /dev/stderr by path, which fails for a pipe of Node.js.
  const log = join(folder, `${binary}.log`);
  const file = openSync(log, "a");
  const child = spawn(path, args, {
    cwd: folder,
    env: { PATH: searchPath.join(delimiter), HOME: folder },
    stdio: ["ignore", file, file],
  });
  closeSync(file);
  const killAtExit = (): void => void child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const output = (): string => readFileSync(log, "utf8");
  const endWith = async (signal: NodeJS.Signals): Promise<void> => {
    process.off("exit", killAtExit);
    await end(child, signal);
  };
  const stop = (): Promise<void> => endWith("SIGTERM");
  try {
    for (const listener of listeners) await waitForListener(listener, child);
  } catch (error) {
    await stop();
    throw new Error(`${binary} did not start:\n${output()}`, { cause: error });
  }
  return { output, signal: (signal) => void child.kill(signal), stop, kill: () => endWith("SIGKILL") };
}

/** Tries to connect until the listener accepts a connection. */
async function waitForListener(listener: NetConnectOpts, child: ChildProcess): Promise<void> {
  for (const start = performance.now(); performance.now() - start < START_MS; await sleep(10)) {
    if (hasEnded(child)) throw new Error(`exited with ${child.exitCode ?? child.signalCode}`);
    const socket = connect(listener);
    try {
      await once(socket, "connect");
      return;
    } catch {
      // not listening yet
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`did not accept a connection within ${START_MS} ms: ${JSON.stringify(listener)}`);
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  child.kill(signal);
  await exited;
  clearTimeout(timer);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
