import type { AccessTokenErrorCode, IntrospectionEvent, VerifierOptions } from "@certbound/core";
import type { Identity } from "@certbound/testing";
import { fork } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

/** How a process creates its cache: as the guide of certbound recommends, or as in the introduction of Keyv. */
export type Construction = "recommended" | "plain";

/** The settings of a process. */
export interface MemberSettings {
  /** The path of the Redis socket. */
  readonly path: string;
  readonly construction: Construction;
  /** The factor by which the timers of the process are slowed down. */
  readonly timerScale: number;
  /** The verifier options without the cache. */
  readonly options: VerifierOptions;
}

/** The outcome of a verification, and its duration in milliseconds. */
export interface VerificationResult {
  readonly outcome: AccessTokenErrorCode | "accepted";
  readonly duration: number;
}

/** A process with a verifier. */
export interface FleetMember {
  /** Connects to Redis, so that later requests do not wait for the connection. */
  readonly connect: () => Promise<void>;
  /** @throws Error with the process's stderr if it has exited */
  readonly verify: (token: string, sender: Identity) => Promise<VerificationResult>;
  /** Advances the verifier's clock by a minute, so that its cached responses expire and it uses a failed Redis again. */
  readonly passMinute: () => void;
  /** The events that the process has published. */
  readonly events: readonly IntrospectionEvent[];
  /** Ends the process if it is still running, and returns its exit code. */
  readonly end: () => Promise<number | null>;
}

interface Message extends Partial<VerificationResult> {
  /** The id of the request that this message responds to. Absent in a message with an event. */
  readonly id?: number;
  readonly event?: IntrospectionEvent;
}

/** Starts a process that uses the built packages. */
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
    throw new Error(`the process exited with ${code}:\n${await errors}`);
  };
  let requests = 0;
  const send = async (request: object): Promise<Message> => {
    requests += 1;
    const id = requests;
    const response = new Promise<Message>((resolve) => void waiting.set(id, resolve));
    child.send({ id, ...request });
    return Promise.race([response, ended()]);
  };
  return {
    connect: async () => void (await send({ connect: true })),
    // The response to such a request has both members.
    verify: async (token, { thumbprint }) => (await send({ token, thumbprint })) as VerificationResult,
    passMinute: () => void child.send({ pass: 60_000 }),
    events,
    end: async () => {
      if (child.connected) child.disconnect();
      const [code] = await exited;
      return code;
    },
  };
}
