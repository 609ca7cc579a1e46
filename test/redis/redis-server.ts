import { createClient } from "@keyv/redis";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Program, startProgram } from "../helpers/program.ts";

/** The name of the executable. */
export const redisBinary = "redis-server";

/** A Redis server for one test, which listens only on a unix socket. It loses its entries when it is killed. */
export interface RedisServer {
  /** The path of the socket. */
  readonly socket: string;
  readonly kill: () => Promise<void>;
  /** Starts it again after it was killed. */
  readonly restart: () => Promise<void>;
  /** Pauses the process: connections stay open, but the server does not respond. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  /** Reads all entries. */
  readonly entries: () => Promise<readonly Entry[]>;
  /** Replaces the value of an entry, and keeps its expiry. */
  readonly overwrite: (name: string, value: string) => Promise<void>;
}

/** An entry in Redis. */
export interface Entry {
  readonly name: string;
  readonly value: string;
  /** Milliseconds until the entry expires. */
  readonly timeToLive: number;
}

/** Starts a Redis server that ends with the test. */
export async function startRedis(): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "certbound-redis-"));
  const socket = join(folder, "redis.sock");
  let program = await start(folder, socket);
  onTestFinished(async () => {
    await program.kill();
    rmSync(folder, { recursive: true });
  });
  return {
    socket,
    kill: () => program.kill(),
    restart: async () => {
      program = await start(folder, socket);
    },
    freeze: () => program.signal("SIGSTOP"),
    thaw: () => program.signal("SIGCONT"),
    entries: () =>
      withClient(socket, async (client) => {
        const names = await client.keys("*");
        return Promise.all(
          names.map(async (name) => ({
            name,
            value: (await client.get(name)) ?? "",
            timeToLive: await client.pTTL(name),
          })),
        );
      }),
    overwrite: (name, value) =>
      withClient(socket, async (client) => {
        await client.set(name, value, { expiration: "KEEPTTL" });
      }),
  };
}

function start(folder: string, socket: string): Promise<Program> {
  const args = ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"];
  return startProgram({ binary: redisBinary, args, folder }, [{ path: socket }]);
}

type Client = Awaited<ReturnType<typeof connect>>;

async function withClient<Result>(path: string, use: (client: Client) => Promise<Result>): Promise<Result> {
  const client = await connect(path);
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

async function connect(path: string) {
  const client = createClient({ socket: { path, tls: false } });
  await client.connect();
  return client;
}
