import type { VerifierOptions } from "@certbound/core";
import { fork } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** The servers that the same API runs on. */
export const apiNames = ["node:https", "node:http2", "Express", "Fastify"] as const;

/** One of them. */
export type ApiName = (typeof apiNames)[number];

/** A function of the application that a request may have to wait for. */
export type Callback = "certificateResolver" | "tokenResolver" | "authorize";

/** What the process is told first. */
export interface Setup {
  readonly tls: object;
  readonly trust: {
    readonly options: VerifierOptions;
    /** Milliseconds since the epoch. */
    readonly now: number;
  };
  /** Where the route `/remote` has its keys from. */
  readonly jwksUris: Readonly<Record<ApiName, string>>;
}

/** What it is told or asked then. */
export type Request =
  | { readonly ask: "setClock"; readonly api: ApiName; readonly now: number }
  | { readonly ask: "settle"; readonly api: ApiName; readonly callback: Callback }
  | { readonly ask: "pass"; readonly milliseconds: number }
  | { readonly ask: "remains" };

/** What is left in the process when all its connections are closed, and garbage is collected. */
export interface Remains {
  /** Unhandled rejections, uncaught exceptions, and warnings. */
  readonly troubles: readonly string[];
  /** How many there have been so far. */
  readonly connections: number;
  /** The state of those that have not closed. */
  readonly left: readonly string[];
  /** How many were gone, and Node had not noticed it. */
  readonly unnoticed: number;
  readonly requests: number;
  /** How many of them have not been collected. */
  readonly requestsKept: number;
  /** What keeps the process alive. */
  readonly resources: readonly string[];
  /** Bytes. */
  readonly heap: number;
}

/** A process with four APIs. */
export interface ApiProcess {
  readonly urls: Readonly<Record<ApiName, string>>;
  /** Sets the clock of the route `/timed`, in milliseconds since the epoch. */
  readonly setClock: (api: ApiName, now: number) => Promise<void>;
  /** Waits until so many requests wait for a callback of the routes under `/slow`. */
  readonly waiting: (api: ApiName, callback: Callback, count: number) => Promise<void>;
  /** Lets that callback settle, now and later. */
  readonly settle: (api: ApiName, callback: Callback) => Promise<void>;
  /** Lets time pass for what is known of an issuer. */
  readonly pass: (milliseconds: number) => Promise<void>;
  readonly remains: () => Promise<Remains>;
  readonly end: () => Promise<void>;
}

interface Message {
  readonly urls?: Readonly<Record<ApiName, string>>;
  readonly waiting?: { readonly api: ApiName; readonly callback: Callback };
  readonly id?: number;
  readonly answer?: unknown;
}

/** Starts the process, which uses the packages as they are built. */
export async function startApiProcess(setup: Setup): Promise<ApiProcess> {
  const child = fork(fileURLToPath(new URL("./api-process.mjs", import.meta.url)), {
    // The class of a time that is none survives this way.
    serialization: "advanced",
    execArgv: ["--expose-gc"],
    // Express writes errors to stderr otherwise.
    env: { ...process.env, NODE_ENV: "test" },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const exited = once(child, "exit");
  const output = Promise.all([child.stdout, child.stderr].map(async (stream) => (stream === null ? "" : text(stream))));
  const ended = async (): Promise<never> => {
    await exited;
    throw new Error(`the process ended:\n${(await output).join("\n")}`);
  };

  const counts = new Map<string, number>();
  const events = new EventEmitter().setMaxListeners(0);
  child.on("message", ({ waiting, id, urls, answer }: Message) => {
    if (urls !== undefined) events.emit("urls", urls);
    if (id !== undefined) events.emit(`answer ${id}`, answer);
    if (waiting === undefined) return;
    const name = `${waiting.api} ${waiting.callback}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    events.emit("waiting");
  });
  const next = async <Result>(event: string): Promise<Result> => {
    const [result] = (await Promise.race([once(events, event), ended()])) as [Result];
    return result;
  };
  let asked = 0;
  const ask = async <Result>(request: Request): Promise<Result> => {
    asked += 1;
    const answer = next<Result>(`answer ${asked}`);
    child.send({ id: asked, ...request });
    return answer;
  };

  const listening = next<ApiProcess["urls"]>("urls");
  child.send(setup);
  return {
    urls: await listening,
    setClock: (api, now) => ask({ ask: "setClock", api, now }),
    waiting: async (api, callback, count) => {
      while ((counts.get(`${api} ${callback}`) ?? 0) < count) await next("waiting");
    },
    settle: (api, callback) => ask({ ask: "settle", api, callback }),
    pass: async (milliseconds) => void (await ask({ ask: "pass", milliseconds })),
    remains: () => ask({ ask: "remains" }),
    end: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
