import { type AccessTokenErrorCode, createVerifier, type Verifier } from "@certbound/core";
import { type Identity, type RunningServer, startServer } from "@certbound/testing";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createParties, type Parties, PRIVATE_CLAIM } from "../helpers/parties.ts";
import type { Acceptance, AdapterCase, Difference, Rejection } from "./adapter-case.ts";
import type { Backend, ProtectedRoute } from "./backend.ts";
import { type Connection, type Message, openConnection, type Reply } from "./connection.ts";

/** What happened on a case's route. */
interface RouteRecord {
  readonly path: string;
  readonly codes: AccessTokenErrorCode[];
  handled: number;
}

/** One request, and all that came of it. */
interface Exchange {
  readonly token: string;
  readonly response: Reply;
  readonly record: RouteRecord;
}

type Verifiers = { readonly [Name in NonNullable<Difference["keys"] | Difference["introspection"]>]: Verifier };

type Connections = { readonly [Client in NonNullable<Difference["presents"]>]: Connection };

const MAX_HEADER_SIZE = 32_768;

/** Declares the tests that run the cases against each of the backends. */
export function describeCases(backends: readonly Backend[], cases: readonly AdapterCase[]): void {
  describe.each(backends.map((backend) => [backend.name, backend] as const))("%s", (_name, backend) => {
    let parties: Parties;
    let api: RunningServer;
    let outage: RunningServer;
    let connections: Connections;
    const records = new Map<AdapterCase, RouteRecord>();
    const own = cases.filter((entry) => isFor(backend, entry));

    beforeAll(async () => {
      parties = await createParties();
      outage = await startServer(createServer((_request, response) => response.writeHead(500).end()));
      const verifiers = createVerifiers(parties, outage.url);
      const routes = own.map((entry, index) => {
        const record: RouteRecord = { path: `/case-${index}`, codes: [], handled: 0 };
        records.set(entry, record);
        return routeOf(entry, verifiers[entry.introspection ?? entry.keys ?? "given"], record);
      });
      api = await backend.start(routes, { ...parties.tls, maxHeaderSize: MAX_HEADER_SIZE });
      connections = openConnections(api.url, parties, backend.httpVersion);
    });

    afterAll(async () => {
      for (const connection of Object.values(connections)) connection.close();
      await Promise.all([api.close(), outage.close(), parties.issuer.close()]);
    });

    const request = async (entry: AdapterCase): Promise<Exchange> => {
      const token = (await entry.token?.(parties)) ?? (await parties.token());
      const record = records.get(entry) as RouteRecord;
      const response = await connections[entry.presents ?? "client"].send(messageOf(entry, token, record.path));
      return { token, response, record };
    };

    test.each(namedCases(own, isAcceptance))("%s", async (_case, entry, expected) => {
      const { response, record } = await request(entry);
      expectAcceptance(response, expected, parties);
      expect(record).toMatchObject({ codes: [], handled: 1 });
    });

    test.each(namedCases(own, isRejection))("%s", async (_case, entry, expected) => {
      const { token, response, record } = await request(entry);
      expectRejection(response, expected);
      expect(record).toMatchObject({ codes: [expected.code], handled: 0 });
      expectNothingLeaked(response, token, parties);
    });
  });
}

/** The cases with one kind of outcome: name, case, outcome. */
function namedCases<Outcome extends Acceptance | Rejection>(
  entries: readonly AdapterCase[],
  isOutcome: (expected: Acceptance | Rejection) => expected is Outcome,
): [string, AdapterCase, Outcome][] {
  return entries.flatMap((entry) => (isOutcome(entry.expected) ? [[entry.name, entry, entry.expected]] : []));
}

function isRejection(expected: Acceptance | Rejection): expected is Rejection {
  return "code" in expected;
}

function isAcceptance(expected: Acceptance | Rejection): expected is Acceptance {
  return !isRejection(expected);
}

function isFor({ readsRequests, httpVersion }: Backend, { request, rejection }: AdapterCase): boolean {
  if (request?.onlyHttp1 && httpVersion === 2) return false;
  return readsRequests || (request === undefined && rejection?.schemes === undefined);
}

function createVerifiers({ issuer, verifierOptions }: Parties, unreachable: string): Verifiers {
  const asking = (endpoint: string | URL): Verifier => {
    const introspection = { ...issuer.introspectionClient, endpoint, returnsConfirmation: true } as const;
    return createVerifier({ ...verifierOptions, introspection });
  };
  return {
    given: createVerifier(verifierOptions),
    published: createVerifier({ ...verifierOptions, jwks: issuer.jwksUri }),
    unreachable: createVerifier({ ...verifierOptions, jwks: `${unreachable}/jwks` }),
    answering: asking(issuer.introspectionEndpoint),
    failing: asking(`${unreachable}/introspect`),
  };
}

function routeOf(entry: AdapterCase, verifier: Verifier, record: RouteRecord): ProtectedRoute {
  return {
    path: record.path,
    requirements: entry.requirements ?? {},
    options: { ...entry.rejection, verifier, onRejected: ({ code }) => record.codes.push(code) },
    onHandled: () => {
      record.handled += 1;
    },
  };
}

/** Opens a connection of each client that a case may present itself as. */
function openConnections(url: string, { ca, client, thief }: Parties, httpVersion: 1 | 2): Connections {
  const open = (identity: Identity | undefined): Connection =>
    openConnection(url, { ca: ca.certificate, identity, httpVersion });
  return { client: open(client), thief: open(thief), nobody: open(undefined) };
}

function messageOf(entry: AdapterCase, token: string, path: string): Message {
  const { headers, query, method = "GET", body } = entry.request ?? {};
  return {
    path: `${path}${query?.(token) ?? ""}`,
    method,
    fields: headers?.(token) ?? [["authorization", `Bearer ${token}`]],
    body: body?.(token),
  };
}

function expectRejection({ status, headers, body }: Reply, { answer }: Rejection): void {
  const { "www-authenticate": challenge = null, "retry-after": retryAfter = null } = headers;
  expect({ status, challenge, retryAfter, body }).toEqual(answer);
}

function expectAcceptance(response: Reply, expected: Acceptance, { client }: Parties): void {
  expect({ status: response.status, body: JSON.parse(response.body) as unknown }).toMatchObject({
    status: 200,
    body: {
      binding: expected.binding,
      bindingError: expected.bindingError ?? null,
      thumbprint: expected.binding === "verified" ? client.thumbprint : null,
    },
  });
  expect(response.headers["www-authenticate"]).toBeUndefined();
}

/** Neither status line, headers nor body of a rejection hold anything of the token or of the certificates. */
function expectNothingLeaked(response: Reply, token: string, parties: Parties): void {
  const answer = JSON.stringify([response.headers, response.body]);
  const { client, thief, issuer } = parties;
  const { clientSecret } = issuer.introspectionClient;
  const secrets = [PRIVATE_CLAIM, "client-1", client.thumbprint, thief.thumbprint, clientSecret];
  const parts = token.split(".").filter((part) => part.length > 10);
  const leaked = [...secrets, ...parts].filter((secret) => answer.includes(secret));
  expect(leaked).toEqual([]);
}
