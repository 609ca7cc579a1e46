import type { Identity } from "@certbound/testing";
import { expect } from "vitest";
import { type Connection, openConnection, type Reply } from "../adapters/connection.ts";
import type { ApiName } from "./api-process.ts";
import { accepted, challenged, type Expected, rejected, comparable } from "./expectations.ts";
import type { Stage } from "./stage.ts";

/** A request of a well-behaved client, and the expected response. */
export interface ExpectedRequest {
  readonly path?: string;
  readonly token?: string | undefined;
  /** JSON; default: a GET request. */
  readonly body?: string;
  readonly expected: Expected;
}

/** Well-behaved clients of one API, each with a persistent connection. */
export interface Clients {
  /** Sends a request as the client that the tokens are issued to. */
  readonly client: (request: ExpectedRequest) => Promise<Reply>;
  readonly thief: (request: ExpectedRequest) => Promise<Reply>;
  /** Sends three requests: the client with its token, the thief with that token, the client without a token. */
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
  const token = await parties.token();
  const clients: Clients = {
    client: (request) => sendAndExpect(client, request),
    thief: (request) => sendAndExpect(thief, request),
    all: async (path = "/") => {
      await Promise.all([
        clients.client({ path, token, expected: accepted }),
        clients.thief({ path, token, expected: rejected }),
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

/** Opens separate clients for `use` and closes them afterwards, so that a pending response does not delay other tests. */
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

/** Returns the HTTP version of an API. */
export function httpVersionOf(api: ApiName): 1 | 2 {
  return api === "node:http2" ? 2 : 1;
}

async function sendAndExpect(
  connection: Connection,
  { path = "/", token, body, expected }: ExpectedRequest,
): Promise<Reply> {
  const fields: [string, string][] = [
    ...(token === undefined ? [] : [["authorization", `Bearer ${token}`] satisfies [string, string]]),
    ...(body === undefined ? [] : [["content-type", "application/json"] satisfies [string, string]]),
  ];
  const reply = await connection.send({ path, method: body === undefined ? "GET" : "POST", fields, body });
  expect(comparable(reply, expected), `${path} of a well-behaved client`).toEqual(expected);
  return reply;
}
