import { createVerifier } from "@certbound/core";
import {
  createCertificateAuthority,
  createIssuer,
  createSelfSignedCertificate,
  type Identity,
  type MtlsRequestOptions,
  mtlsRequest,
  type MtlsResponse,
  type RunningServer,
} from "@certbound/testing";
import { once } from "node:events";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { Agent, request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NOW } from "../helpers/parties.ts";
import type { Backend } from "./backend.ts";
import { expressBackends } from "./express-backends.ts";
import { fastifyBackends } from "./fastify-backends.ts";
import { middlewareBackends } from "./middleware-backends.ts";
import { nodeBackends } from "./node-backends.ts";

const backends = [...nodeBackends, ...expressBackends, ...middlewareBackends, ...fastifyBackends];
const keyTypes = ["ec", "rsa", "ed25519"] as const;
const origins = ["issued by a CA", "self-signed"] as const;
const clients = origins.flatMap((origin) => keyTypes.map((keyType) => ({ origin, keyType })));
const versions = ["TLSv1.2", "TLSv1.3"] as const;

const clock = (): number => NOW * 1000;
// Created once for all tests, because RSA keys take long to create.
const [ca, issuer] = await Promise.all([createCertificateAuthority(), createIssuer({ clock })]);
const [server, thief] = await Promise.all([ca.issueServerCertificate(), ca.issueClientCertificate()]);
const identities = new Map<string, Identity>();
for (const { origin, keyType } of clients) {
  const create = origin === "self-signed" ? createSelfSignedCertificate : ca.issueClientCertificate;
  identities.set(`${origin} ${keyType}`, await create({ keyType }));
}
afterAll(issuer.close);

function clientOf({ origin, keyType }: (typeof clients)[number]): Identity {
  const identity = identities.get(`${origin} ${keyType}`);
  if (identity === undefined) throw new Error("Unknown client");
  return identity;
}

/** Starts the backend with one route, `/`, that requires a bound token. */
async function startApi(backend: Backend): Promise<RunningServer> {
  const { audience, jwks } = issuer;
  const verifier = createVerifier({ issuer: issuer.issuer, audience, jwks, clock });
  const options = { verifier, onRejected: () => {} };
  const tls = { key: server.key, cert: server.certificate, requestCert: true, rejectUnauthorized: false } as const;
  const route = { path: "/", options, requirements: {}, onHandled: () => {} };
  return backend.start([route], { ...tls, maxHeaderSize: 16_384 });
}

describe.each(backends.map((backend) => [backend.name, backend] as const))("%s", (_name, backend) => {
  let api: RunningServer;
  beforeAll(async () => {
    api = await startApi(backend);
  });
  afterAll(() => api.close());

  const send = (options: Omit<MtlsRequestOptions, "ca">): Promise<MtlsResponse> =>
    mtlsRequest(api.url, { ca: ca.certificate, httpVersion: backend.httpVersion, ...options });

  describe.each(versions)("over %s", (tlsVersion) => {
    test.each(clients.map((client) => [`${client.keyType} certificate, ${client.origin}`, client] as const))(
      "with the %s: accepts the token of the client, and rejects a stolen token",
      async (_certificate, client) => {
        const identity = clientOf(client);
        const own = await send({ identity, tlsVersion, token: await issuer.accessToken({ boundTo: identity }) });
        expect(own.json()).toMatchObject({ binding: "verified", thumbprint: identity.thumbprint });
        const stolen = await send({ identity, tlsVersion, token: await issuer.accessToken({ boundTo: thief }) });
        expect({ status: stolen.status, ...own.tls }).toMatchObject({ status: 401, protocol: tlsVersion });
      },
    );

    test("uses the certificate of a resumed session", async () => {
      const identity = clientOf({ origin: "self-signed", keyType: "ec" });
      const token = await issuer.accessToken({ boundTo: identity });
      const { session } = (await send({ identity, tlsVersion, token })).tls;
      const resumed = { identity, tlsVersion, ...(session && { session }) };
      const own = await send({ ...resumed, token });
      expect({ status: own.status, reused: own.tls.sessionReused }).toEqual({ status: 200, reused: true });
      const stolen = await send({ ...resumed, token: await issuer.accessToken({ boundTo: thief }) });
      expect({ status: stolen.status, reused: stolen.tls.sessionReused }).toEqual({ status: 401, reused: true });
    });

    test("uses the certificate of a resumed session even if the client now has another certificate", async () => {
      const identity = clientOf({ origin: "issued by a CA", keyType: "ec" });
      const token = await issuer.accessToken({ boundTo: identity });
      const { session } = (await send({ identity: thief, tlsVersion, token })).tls;
      const resumed = await send({ identity, tlsVersion, token, ...(session && { session }) });
      expect({ status: resumed.status, reused: resumed.tls.sessionReused }).toEqual({ status: 401, reused: true });
    });

    test("finds no certificate in a resumed session whose client presented none", async () => {
      const identity = clientOf({ origin: "issued by a CA", keyType: "ec" });
      const token = await issuer.accessToken({ boundTo: identity });
      const first = await send({ tlsVersion, token });
      const { session } = first.tls;
      const resumed = await send({ tlsVersion, token, ...(session && { session }) });
      expect([first.status, resumed.status, resumed.tls.sessionReused]).toEqual([401, 401, true]);
    });
  });
});

describe.each(backends.map((backend) => [backend.name, backend] as const))("a connection to %s", (_name, backend) => {
  test("is checked again for each request", async () => {
    const api = await startApi(backend);
    const identity = clientOf({ origin: "self-signed", keyType: "ec" });
    const tokens = [identity, thief, identity].map((boundTo) => issuer.accessToken({ boundTo }));
    const statuses = backend.httpVersion === 1 ? statusesOverHttp1 : statusesOverHttp2;
    expect(await statuses(api.url, await Promise.all(tokens), identity)).toEqual([200, 401, 200]);
    await api.close();
  });
});

async function statusesOverHttp1(url: string, tokens: readonly string[], identity: Identity): Promise<unknown[]> {
  const { certificate: cert, key } = identity;
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: ca.certificate, cert, key });
  const statuses: unknown[] = [];
  const sockets = new Set<unknown>();
  for (const token of tokens) {
    const outgoing = httpsRequest(url, { agent, headers: { authorization: `Bearer ${token}` } }).end();
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    sockets.add(outgoing.socket);
    statuses.push(incoming.statusCode);
    await json(incoming);
  }
  agent.destroy();
  expect(sockets.size).toBe(1);
  return statuses;
}

async function statusesOverHttp2(url: string, tokens: readonly string[], identity: Identity): Promise<unknown[]> {
  const session = connect(url, { ca: ca.certificate, cert: identity.certificate, key: identity.key });
  const statuses = await Promise.all(
    tokens.map(async (token) => {
      const stream = session.request({ ":path": "/", authorization: `Bearer ${token}` }).resume();
      const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
      return headers[":status"];
    }),
  );
  session.destroy();
  return statuses;
}
