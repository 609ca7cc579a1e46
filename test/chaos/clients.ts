import type { Identity } from "@certbound/testing";
import { expect } from "vitest";
import { type Connection, openConnection, type Reply } from "../adapters/connection.ts";
import type { ApiName } from "./api-process.ts";
import { accepted, challenged, type Expected, rejected, shown } from "./expectations.ts";
import type { Stage } from "./stage.ts";

/** A request of a well-behaved client, and what must come of it. */
export interface Question {
  readonly path?: string;
  readonly token?: string | undefined;
  /** JSON; default: a GET request. */
  readonly body?: string;
  readonly expected: Expected;
}

/** Well-behaved clients of one API, each with connections that last. */
export interface Clients {
  /** To whom the tokens are issued. */
  readonly client: (question: Question) => Promise<Reply>;
  readonly thief: (question: Question) => Promise<Reply>;
  /** The client with its own token; the thief with that token; the client without a token. */
  readonly all: (path?: string) => Promise<void>;
  readonly close: () => void;
}

async function openClients(stage: Stage, api: ApiName): Promise<Clients> {
  const { parties, process } = stage;
  const url = process.urls[api];
  const httpVersion = httpVersionOf(api);
  const open = (identity: Identity): Connection =>
    openConnection(url, { ca: parties.ca.certificate, identity, httpVersion });
  const [client, thief] = [open(parties.client), open(parties.thief)];
  const own = await parties.token();
  const clients: Clients = {
    client: (question) => ask(client, question),
    thief: (question) => ask(thief, question),
    all: async (path = "/") => {
      await Promise.all([
        clients.client({ path, token: own, expected: accepted }),
        clients.thief({ path, token: own, expected: rejected }),
        clients.client({ path, expected: challenged }),
      ]);
    },
    close: () => {
      client.close();
      thief.close();
    },
  };
  return clients;
}

/** Opens clients for as long as something takes: where one waits for its answer, it lets nobody else wait. */
export async function withClients(
  stage: Stage,
  api: ApiName,
  use: (clients: Clients) => Promise<unknown>,
): Promise<void> {
  const clients = await openClients(stage, api);
  try {
    await use(clients);
  } finally {
    clients.close();
  }
}

/** Which version an API speaks. */
export function httpVersionOf(api: ApiName): 1 | 2 {
  return api === "node:http2" ? 2 : 1;
}

async function ask(connection: Connection, { path = "/", token, body, expected }: Question): Promise<Reply> {
  const fields: [string, string][] = [
    ...(token === undefined ? [] : [["authorization", `Bearer ${token}`] satisfies [string, string]]),
    ...(body === undefined ? [] : [["content-type", "application/json"] satisfies [string, string]]),
  ];
  const reply = await connection.send({ path, method: body === undefined ? "GET" : "POST", fields, body });
  expect(shown(reply, expected), `${path} of a well-behaved client`).toEqual(expected);
  return reply;
}
