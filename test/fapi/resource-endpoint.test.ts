import type { VerifierOptions } from "@certbound/core";
import {
  createCertificateAuthority,
  createIssuer,
  type Identity,
  mtlsRequest,
  type RunningServer,
} from "@certbound/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { apis } from "./apis.ts";

// The requests that OpenID's conformance suite sends to the resource endpoint.

const now = Math.floor(Date.now() / 1000);
const clock = () => now * 1000;

const ca = await createCertificateAuthority();
const issuer = await createIssuer({ clock });
const [host, client, otherClient] = await Promise.all([
  ca.issueServerCertificate(),
  ca.issueClientCertificate(),
  ca.issueClientCertificate(),
]);
afterAll(() => issuer.close());

// The handshake accepts every client, so that the API rejects requests.
const tls = { key: host.key, cert: host.certificate, ca: ca.certificate, requestCert: true, rejectUnauthorized: false };
const { audience, issuer: identifier } = issuer;
const protection = { issuer: identifier, audience, clock, profile: "fapi2", maxTokenAge: 600 } as const;

type Headers = Readonly<Record<string, string>>;

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Headers;
  readonly body?: string;
  /** The client of the token by default; null sends no certificate. */
  readonly identity?: Identity | null;
}

async function send(api: RunningServer, { path = "/accounts", identity = client, ...request }: Sent) {
  return mtlsRequest(`${api.url}${path}`, { ca: ca.certificate, ...(identity && { identity }), ...request });
}

function issueToken(claims: object = {}): Promise<string> {
  return issuer.accessToken({ boundTo: client, claims: { scope: "accounts", ...claims } });
}

function bearer(token: string, headers: Headers = {}): Headers {
  return { authorization: `Bearer ${token}`, ...headers };
}

const invalidToken = {
  status: 401,
  headers: { "www-authenticate": expect.stringMatching(/^Bearer .*error="invalid_token"/) },
};

describe.each(apis)("a resource endpoint on %s", (_name, start) => {
  let api: RunningServer;
  beforeAll(async () => {
    api = await start({ tls, protection });
  });
  afterAll(() => api.close());

  const startOther = async (options: Partial<VerifierOptions>, interactionIds = false): Promise<RunningServer> => {
    const { profile: _profile, ...others } = protection;
    const other = await start({ tls, protection: { ...others, ...options }, interactionIds });
    onTestFinished(other.close);
    return other;
  };

  test("accepts a token from its client, and rejects it from another client", async () => {
    const headers = bearer(await issueToken());
    expect(await send(api, { headers })).toMatchObject({ status: 200 });
    expect(await send(api, { headers, identity: otherClient })).toMatchObject(invalidToken);
  });

  test("rejects a token from a client without a certificate", async () => {
    const headers = bearer(await issueToken());
    expect(await send(api, { headers })).toMatchObject({ status: 200 });
    expect(await send(api, { headers, identity: null })).toMatchObject(invalidToken);
  });

  test("rejects a token that is only in the query", async () => {
    const token = await issueToken();
    const path = `/accounts?access_token=${token}`;
    expect(await send(api, { path, headers: bearer(token) })).toMatchObject({ status: 200 });
    expect(await send(api, { path })).toMatchObject({
      status: 401,
      headers: { "www-authenticate": 'Bearer realm="api"' },
    });
  });

  test.each(["bEARER", "bearer", "BEARER"])("accepts the authorization scheme %s", async (scheme) => {
    const headers = { authorization: `${scheme} ${await issueToken()}` };
    expect(await send(api, { headers })).toMatchObject({ status: 200 });
    expect(await send(api, { headers, identity: otherClient })).toMatchObject(invalidToken);
  });

  test.each<[string, Headers]>([
    ["none", {}],
    ["JSON in UTF-8", { accept: "application/json;charset=UTF-8", "accept-charset": "utf-8" }],
    ["JSON or anything else", { accept: "application/json, application/*+json, */*" }],
    ["only HTML", { accept: "text/html" }],
  ])("responds with JSON to accepted and rejected requests, with the Accept header: %s", async (_accept, accept) => {
    const headers = bearer(await issueToken(), accept);
    const json = { "content-type": expect.stringMatching(/^application\/json; charset=utf-8$/) };
    expect(await send(api, { headers })).toMatchObject({ status: 200, headers: json });
    const rejected = await send(api, { headers, identity: otherClient });
    expect(rejected).toMatchObject({ ...invalidToken, body: '{"message":"unauthorized"}' });
    expect(rejected.headers).toMatchObject(json);
  });

  test("responds to accepted and rejected requests with a Date header of the current time", async () => {
    const headers = bearer(await issueToken());
    for (const [identity, status] of [[client, 200] as const, [otherClient, 401] as const]) {
      const response = await send(api, { headers, identity });
      expect(response.status).toBe(status);
      expect(Math.abs(Date.parse(response.headers.date ?? "") - Date.now())).toBeLessThan(60_000);
    }
  });

  test("accepts the x-fapi headers, and rejects another client despite them", async () => {
    for (const address of ["198.51.100.119", "2001:DB8::1893:25c8:1946"]) {
      const headers = bearer(await issueToken(), {
        "x-fapi-auth-date": new Date().toUTCString(),
        "x-fapi-customer-ip-address": address,
        "x-fapi-end-user-present": "true",
        "x-fapi-interaction-id": "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
      });
      expect(await send(api, { headers })).toMatchObject({ status: 200 });
      expect(await send(api, { headers, identity: otherClient })).toMatchObject(invalidToken);
    }
  });

  test("returns x-fapi-interaction-id in every response only if the application adds it", async () => {
    const id = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
    const echoing = await startOther({ profile: "fapi2" }, true);
    const idsOf = async (server: RunningServer, sent: Headers) => {
      const headers = bearer(await issueToken(), sent);
      const responses = [await send(server, { headers }), await send(server, { headers, identity: otherClient })];
      expect(responses).toMatchObject([{ status: 200 }, { status: 401 }]);
      return responses.map((response) => response.headers["x-fapi-interaction-id"]);
    };
    expect(await idsOf(echoing, { "x-fapi-interaction-id": id })).toEqual([id, id]);
    const uuid = expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(await idsOf(echoing, {})).toEqual([uuid, uuid]);
    expect(await idsOf(echoing, { "x-fapi-interaction-id": "x" })).toEqual([uuid, uuid]);
    expect(await idsOf(api, { "x-fapi-interaction-id": id })).toEqual([undefined, undefined]);
  });

  test("accepts the first and the refreshed token from their client, but not from another client", async () => {
    for (const token of [await issueToken(), await issueToken()]) {
      expect(await send(api, { headers: bearer(token) })).toMatchObject({ status: 200 });
      expect(await send(api, { headers: bearer(token), identity: otherClient })).toMatchObject(invalidToken);
    }
  });

  test("rejects an expired token", async () => {
    const [valid, expired] = [await issueToken({ exp: now - 9 }), await issueToken({ exp: now - 10 })];
    expect(await send(api, { headers: bearer(valid) })).toMatchObject({ status: 200 });
    expect(await send(api, { headers: bearer(expired) })).toMatchObject(invalidToken);
  });

  test("rejects a revoked token in the next request if it introspects every token", async () => {
    const introspection = { ...issuer.introspectionClient, always: true, cacheDuration: 0 };
    const introspecting = await startOther({ profile: "fapi2", introspection });
    const [headers, others] = [bearer(await issueToken()), bearer(await issueToken())];
    const [token = ""] = headers["authorization"]?.split(" ").slice(1) ?? [];
    for (const server of [api, introspecting]) expect(await send(server, { headers })).toMatchObject({ status: 200 });
    issuer.revoke(token);
    expect(await send(introspecting, { headers })).toMatchObject(invalidToken);
    expect(await send(introspecting, { headers: others })).toMatchObject({ status: 200 });
    expect(await send(api, { headers })).toMatchObject({ status: 200 });
  });

  test("rejects a token that is older than maxTokenAge, even if it has not expired", async () => {
    const [recent, old] = [await issueToken({ iat: now - 600 }), await issueToken({ iat: now - 611 })];
    expect(await send(api, { headers: bearer(recent) })).toMatchObject({ status: 200 });
    expect(await send(api, { headers: bearer(old) })).toMatchObject(invalidToken);
  });

  test("passes on a signed request body unchanged, but only from the client of the token", async () => {
    const body = await issueToken({ jti: "payment" });
    const payment = { path: "/payments", method: "POST", body };
    const headers = bearer(await issueToken(), { "content-type": "application/jwt; charset=UTF-8" });
    const accepted = await send(api, { ...payment, headers });
    expect(accepted).toMatchObject({ status: 201, body: JSON.stringify({ body }) });
    expect(await send(api, { ...payment, headers, identity: otherClient })).toMatchObject(invalidToken);
  });

  test("rejects a DPoP-bound token that is sent as a bearer token", async () => {
    const jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    const token = await issuer.accessToken({ claims: { scope: "accounts", cnf: { jkt } } });
    expect(await send(api, { headers: bearer(await issueToken()) })).toMatchObject({ status: 200 });
    expect(await send(api, { headers: bearer(token) })).toMatchObject(invalidToken);
    expect(await send(api, { headers: { authorization: `DPoP ${token}` } })).toMatchObject({ status: 401 });
  });
});
