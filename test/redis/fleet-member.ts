import type { AccessTokenErrorCode, IntrospectionEvent, VerifierOptions } from "@certbound/core";
import type { Identity } from "@certbound/testing";
import { fork } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** How a process makes its cache: as our guide says, or as that of Keyv begins. */
export type Construction = "recommended" | "plain";

/** What a process is started with. */
export interface MemberSettings {
  /** Where Redis is. */
  readonly path: string;
  readonly construction: Construction;
  /** Those of the verifier, but for the cache. */
  readonly options: VerifierOptions;
}

/** How a verification ended, and how long it took in milliseconds. */
export interface Verdict {
  readonly outcome: AccessTokenErrorCode | "accepted";
  readonly duration: number;
}

/** A process with a verifier. */
export interface FleetMember {
  /** Connects to Redis, so that nothing later has to wait for that. */
  readonly connect: () => Promise<void>;
  /** @throws Error with what the process wrote to stderr, when it has ended */
  readonly verify: (token: string, sender: Identity) => Promise<Verdict>;
  /** Lets a minute pass for the verifier: it caches no answer then, and leaves no cache alone. */
  readonly passMinute: () => void;
  /** What it published so far. */
  readonly events: readonly IntrospectionEvent[];
  /** Ends the process, unless it has ended; gives its exit code. */
  readonly end: () => Promise<number | null>;
}

interface Message extends Partial<Verdict> {
  /** Which request this answers; absent in a message with an event. */
  readonly id?: number;
  readonly event?: IntrospectionEvent;
}

/** Starts a process, which uses the packages as they are built. */
export function startMember(settings: MemberSettings): FleetMember {
  const program = fileURLToPath(new URL("./fleet-member.mjs", import.meta.url));
  const child = fork(program, [JSON.stringify(settings)], {
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const exited = once(child, "exit") as Promise<[number | null]>;
  const errors = child.stderr === null ? "" : text(child.stderr);
  const events: IntrospectionEvent[] = [];
  const waiting = new Map<number, (message: Message) => void>();
  child.on("message", (message: Message) => {
    if (message.event !== undefined) events.push(message.event);
    if (message.id !== undefined) waiting.get(message.id)?.(message);
  });
  const ended = async (): Promise<never> => {
    const [code] = await exited;
    throw new Error(`the process ended with ${code}:\n${await errors}`);
  };
  let requests = 0;
  const ask = async (request: object): Promise<Message> => {
    requests += 1;
    const id = requests;
    const answer = new Promise<Message>((resolve) => void waiting.set(id, resolve));
    child.send({ id, ...request });
    return Promise.race([answer, ended()]);
  };
  return {
    connect: async () => void (await ask({ connect: true })),
    // A message that answers such a request has both members.
    verify: async (token, { thumbprint }) => (await ask({ token, thumbprint })) as Verdict,
    passMinute: () => void child.send({ pass: 60_000 }),
    events,
    end: async () => {
      if (child.connected) child.disconnect();
      const [code] = await exited;
      return code;
    },
  };
}
