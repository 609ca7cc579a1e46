import type { VerifierOptions } from "@certbound/core";
import { fork } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** The servers that run the same API. */
export const apiNames = ["node:https", "node:http2", "Express", "Fastify"] as const;

/** The name of a server. */
export type ApiName = (typeof apiNames)[number];

/** A callback of the application that delays a request. */
export type Callback = "certificateResolver" | "tokenResolver" | "authorize";

/** The first message to the process. */
export interface Setup {
  readonly tls: object;
  readonly trust: {
    readonly options: VerifierOptions;
    /** Milliseconds since the epoch. */
    readonly now: number;
  };
  /** The key set URLs of the route `/remote`. */
  readonly jwksUris: Readonly<Record<ApiName, string>>;
}

/** A later message to the process. */
export type Request =
  | { readonly type: "setClock"; readonly api: ApiName; readonly now: number }
  | { readonly type: "settle"; readonly api: ApiName; readonly callback: Callback }
  | { readonly type: "advance"; readonly milliseconds: number }
  | { readonly type: "remains" };

/** The resources left in the process after its connections are closed and garbage is collected. */
export interface Remains {
  /** Unhandled rejections, uncaught exceptions, and warnings. */
  readonly problems: readonly string[];
  /** The number of connections so far. */
  readonly connections: number;
  /** The state of the connections that are still open. */
  readonly left: readonly string[];
  /** The number of connections whose end Node did not notice. */
  readonly unnoticed: number;
  readonly requests: number;
  /** The number of request objects that were not garbage-collected. */
  readonly requestsKept: number;
  /** The resources that keep the process alive. */
  readonly resources: readonly string[];
  /** The heap in use, in bytes. */
  readonly heap: number;
}

/** A process with four APIs. */
export interface ApiProcess {
  readonly urls: Readonly<Record<ApiName, string>>;
  /** Sets the clock of the route `/timed`, in milliseconds since the epoch. */
  readonly setClock: (api: ApiName, now: number) => Promise<void>;
  /** Resolves when `count` requests have called this callback of the routes under `/slow`. */
  readonly waiting: (api: ApiName, callback: Callback, count: number) => Promise<void>;
  /** Settles pending and later calls of this callback. */
  readonly settle: (api: ApiName, callback: Callback) => Promise<void>;
  /** Advances the clock that measures the age of keys. */
  readonly advance: (milliseconds: number) => Promise<void>;
  readonly remains: () => Promise<Remains>;
  readonly end: () => Promise<void>;
}

interface Message {
  readonly urls?: Readonly<Record<ApiName, string>>;
  readonly waiting?: { readonly api: ApiName; readonly callback: Callback };
  readonly id?: number;
  readonly result?: unknown;
}

/** Starts the process, which uses the built packages. */
export async function startApiProcess(setup: Setup): Promise<ApiProcess> {
  const child = fork(fileURLToPath(new URL("./api-process.mjs", import.meta.url)), {
    // Transfers NaN and Infinity, which JSON cannot.
    serialization: "advanced",
    execArgv: ["--expose-gc"],
    // Keeps Express from writing errors to stderr.
    env: { ...process.env, NODE_ENV: "test" },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const exited = once(child, "exit");
  const output = Promise.all([child.stdout, child.stderr].map(async (stream) => (stream === null ? "" : text(stream))));
  const failOnExit = async (): Promise<never> => {
    await exited;
    throw new Error(`the process exited:\n${(await output).join("\n")}`);
  };

  const counts = new Map<string, number>();
  const events = new EventEmitter().setMaxListeners(0);
  child.on("message", ({ waiting, id, urls, result }: Message) => {
    if (urls !== undefined) events.emit("urls", urls);
    if (id !== undefined) events.emit(`result ${id}`, result);
    if (waiting === undefined) return;
    const name = `${waiting.api} ${waiting.callback}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    events.emit("waiting");
  });
  const next = async <Result>(event: string): Promise<Result> => {
    const [result] = (await Promise.race([once(events, event), failOnExit()])) as [Result];
    return result;
  };
  let requestId = 0;
  const send = async <Result>(request: Request): Promise<Result> => {
    requestId += 1;
    const result = next<Result>(`result ${requestId}`);
    child.send({ id: requestId, ...request });
    return result;
  };

  const urls = next<ApiProcess["urls"]>("urls");
  child.send(setup);
  return {
    urls: await urls,
    setClock: (api, now) => send({ type: "setClock", api, now }),
    waiting: async (api, callback, count) => {
      while ((counts.get(`${api} ${callback}`) ?? 0) < count) await next("waiting");
    },
    settle: (api, callback) => send({ type: "settle", api, callback }),
    advance: async (milliseconds) => void (await send({ type: "advance", milliseconds })),
    remains: () => send({ type: "remains" }),
    end: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
