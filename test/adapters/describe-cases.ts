import { type AccessTokenErrorCode, createVerifier, type Verifier } from "@certbound/core";
import { type Identity, type RunningServer, startServer } from "@certbound/testing";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createParties, type Parties, PRIVATE_CLAIM } from "../helpers/parties.ts";
import type { Acceptance, AdapterCase, Difference, Rejection } from "./adapter-case.ts";
import type { Backend, ProtectedRoute } from "./backend.ts";
import { type Connection, type Message, openConnection, type Reply } from "./connection.ts";

/** The requests that a route has received. */
interface RouteRecord {
  readonly path: string;
  readonly codes: AccessTokenErrorCode[];
  handled: number;
}

/** A request and its outcome. */
interface RequestResult {
  readonly token: string;
  readonly response: Reply;
  readonly record: RouteRecord;
}

type Verifiers = { readonly [Name in NonNullable<Difference["keys"] | Difference["introspection"]>]: Verifier };

type Connections = { readonly [Client in NonNullable<Difference["presents"]>]: Connection };

const MAX_HEADER_SIZE = 32_768;

/** Declares the tests of the cases for each backend. */
export function describeCases(backends: readonly Backend[], cases: readonly AdapterCase[]): void {
  describe.each(backends.map((backend) => [backend.name, backend] as const))("%s", (_name, backend) => {
    let parties: Parties;
    let api: RunningServer;
    let outage: RunningServer;
    let connections: Connections;
    const records = new Map<AdapterCase, RouteRecord>();
    const selected = cases.filter((entry) => runsOn(backend, entry));

    beforeAll(async () => {
      parties = await createParties();
      outage = await startServer(createServer((_request, response) => response.writeHead(500).end()));
      const verifiers = createVerifiers(parties, outage.url);
      const routes = selected.map((entry, index) => {
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

    const request = async (entry: AdapterCase): Promise<RequestResult> => {
      const token = (await entry.token?.(parties)) ?? (await parties.token());
      const record = records.get(entry) as RouteRecord;
      const response = await connections[entry.presents ?? "client"].send(messageOf(entry, token, record.path));
      return { token, response, record };
    };

    test.each(namedCases(selected, isAcceptance))("%s", async (_case, entry, expected) => {
      const { response, record } = await request(entry);
      expectAcceptance(response, expected, parties);
      expect(record).toMatchObject({ codes: [], handled: 1 });
    });

    test.each(namedCases(selected, isRejection))("%s", async (_case, entry, expected) => {
      const { token, response, record } = await request(entry);
      expectRejection(response, expected);
      expect(record).toMatchObject({ codes: [expected.code], handled: 0 });
      expectNothingLeaked(response, token, parties);
    });
  });
}

/** Lists the cases with one kind of outcome, as name, case and outcome. */
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

function runsOn({ readsRequests, httpVersion }: Backend, { request, rejection }: AdapterCase): boolean {
  if (request?.onlyHttp1 && httpVersion === 2) return false;
  return readsRequests || (request === undefined && rejection?.schemes === undefined);
}

function createVerifiers({ issuer, verifierOptions }: Parties, unreachable: string): Verifiers {
  const introspecting = (endpoint: string | URL): Verifier => {
    const introspection = { ...issuer.introspectionClient, endpoint, returnsConfirmation: true } as const;
    return createVerifier({ ...verifierOptions, introspection });
  };
  return {
    given: createVerifier(verifierOptions),
    published: createVerifier({ ...verifierOptions, jwks: issuer.jwksUri }),
    unreachable: createVerifier({ ...verifierOptions, jwks: `${unreachable}/jwks` }),
    available: introspecting(issuer.introspectionEndpoint),
    failing: introspecting(`${unreachable}/introspect`),
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

/** Opens a connection for each kind of client. */
function openConnections(url: string, { ca, client, thief }: Parties, httpVersion: 1 | 2): Connections {
  const open = (identity: Identity | undefined): Connection =>
    openConnection(url, { ca: ca.certificate, identity, httpVersion });
  return { client: open(client), thief: open(thief), none: open(undefined) };
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

function expectRejection({ status, headers, body }: Reply, { response }: Rejection): void {
  const { "www-authenticate": challenge = null, "retry-after": retryAfter = null } = headers;
  expect({ status, challenge, retryAfter, body }).toEqual(response);
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

/** Asserts that the headers and the body of a rejection contain nothing from the token or the certificates. */
function expectNothingLeaked(response: Reply, token: string, parties: Parties): void {
  const received = JSON.stringify([response.headers, response.body]);
  const { client, thief, issuer } = parties;
  const { clientSecret } = issuer.introspectionClient;
  const secrets = [PRIVATE_CLAIM, "client-1", client.thumbprint, thief.thumbprint, clientSecret];
  const parts = token.split(".").filter((part) => part.length > 10);
  const leaked = [...secrets, ...parts].filter((secret) => received.includes(secret));
  expect(leaked).toEqual([]);
}
