import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, closeSync, constants, openSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A program that runs until it is stopped. */
export interface ProxyProcess {
  /** What it wrote to stdout and stderr so far. */
  readonly output: () => string;
  /** Ends it: SIGTERM, and SIGKILL where that does not help. */
  readonly stop: () => Promise<void>;
}

/** How a program is started. */
export interface Command {
  readonly binary: string;
  readonly args: readonly string[];
  /** Its working folder, and its home. */
  readonly folder: string;
}

const START_MS = 10_000;
const STOP_MS = 3_000;
// Where Debian installs servers, which is not on everybody's path.
const searchPath = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin"];

/** Finds a program on the path, or where servers are installed. */
export function findBinary(name: string): string | undefined {
  return searchPath.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Finds ports of 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  // A server that listens on a port has an address of this kind.
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/**
 * Fills in a configuration: `@NAME@` becomes the value of that name.
 *
 * @throws Error for a name without a value
 */
export function renderConfiguration(file: URL, values: Readonly<Record<string, string | number>>): string {
  return readFileSync(file, "utf8").replaceAll(/@([A-Z_]+)@/g, (_placeholder, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`There is no value for @${name}@ of ${file.pathname}`);
    return String(value);
  });
}

/**
 * Starts a program and waits until it accepts connections on all of the ports.
 *
 * @throws Error with the program's output when it ends instead, or takes too long
 */
export async function startProxy(command: Command, ports: readonly number[]): Promise<ProxyProcess> {
  const { binary, args, folder } = command;
  const path = findBinary(binary);
  if (path === undefined) throw new Error(`${binary} is not installed`);
  // A file, because httpd opens /dev/stderr by its name, which a pipe of Node's has not.
  const log = join(folder, `${binary}.log`);
  const file = openSync(log, "a");
  const child = spawn(path, args, {
    cwd: folder,
    env: { PATH: searchPath.join(delimiter), HOME: folder },
    stdio: ["ignore", file, file],
  });
  closeSync(file);
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const output = (): string => readFileSync(log, "utf8");
  const stop = async (): Promise<void> => {
    process.off("exit", kill);
    await end(child);
  };
  try {
    for (const port of ports) await accepting(port, child);
  } catch (error) {
    await stop();
    throw new Error(`${binary} did not start:\n${output()}`, { cause: error });
  }
  return { output, stop };
}

/** Tries to connect until it works. */
async function accepting(port: number, child: ChildProcess): Promise<void> {
  for (const start = performance.now(); performance.now() - start < START_MS; await sleep(10)) {
    if (hasEnded(child)) throw new Error(`ended with ${child.exitCode ?? child.signalCode}`);
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return;
    } catch {
      // Not yet.
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`did not accept a connection on port ${port} within ${START_MS} ms`);
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const exited = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  child.kill("SIGTERM");
  await exited;
  clearTimeout(timer);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
