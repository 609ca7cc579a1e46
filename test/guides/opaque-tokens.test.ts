import { createTestKit, type Identity } from "@certbound/testing";
import type { Protect } from "@certbound/express";
import express from "express";
import { Keyv } from "keyv";
import { randomUUID } from "node:crypto";
import { unsubscribe } from "node:diagnostics_channel";
import { createServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { afterAll, expect, test, vi } from "vitest";

const kit = await createTestKit();
const { issuer } = kit;
const [client, thief, api, otherApi] = await Promise.all([
  kit.issueClientCertificate(),
  kit.issueClientCertificate(),
  kit.issueClientCertificate({ commonName: "accounts-api" }),
  kit.issueClientCertificate({ commonName: "other-api" }),
]);
vi.stubEnv("ISSUER", issuer.issuer);
vi.stubEnv("CLIENT_ID", issuer.introspectionClient.clientId);
vi.stubEnv("CLIENT_SECRET", issuer.introspectionClient.clientSecret);
vi.stubEnv("CACHE_KEY", randomUUID());
afterAll(async () => {
  vi.unstubAllEnvs();
  await kit.close();
});

const { protectAlwaysAsking, protectAsking, protectFleet, protectIntrospectingJwts, watch } =
  await import("./opaque-tokens.ts");

/** Starts an API; gives the status with which it answers. */
async function startApi(protect: Protect): Promise<(token: string, identity: Identity) => Promise<number>> {
  const app = express().get("/", protect(), (_request, response) => void response.json({}));
  const { url } = await kit.startServer(createServer(kit.serverOptions, app));
  return async (token, identity) => (await kit.mtlsRequest(url, { token, identity })).status;
}

const questions = () => issuer.requests.filter((path) => path === issuer.introspectionEndpoint.pathname).length;

test("an opaque token is accepted from its client, and from no other", async () => {
  const status = await startApi(protectAsking());
  const token = await issuer.opaqueToken({ boundTo: client });
  expect(await status(token, client)).toBe(200);
  expect(await status(token, thief)).toBe(401);
});

test("each question to the issuer is told", async () => {
  const info = vi.fn<(event: unknown) => void>();
  const subscriber = watch({ info });
  const status = await startApi(protectAsking());
  await status(await issuer.opaqueToken({ boundTo: client }), client);
  unsubscribe("certbound:introspection", subscriber);
  const event = { issuer: issuer.issuer, outcome: "active", duration: expect.any(Number) };
  expect(info.mock.calls).toEqual([[event]]);
});

test("a revoked JWT is rejected where the issuer is always asked", async () => {
  const [always, never] = [await startApi(protectAlwaysAsking()), await startApi(protectAsking())];
  const [good, revoked] = [await kit.accessToken({ boundTo: client }), await kit.accessToken({ boundTo: client })];
  issuer.revoke(revoked);
  expect(await always(good, client)).toBe(200);
  expect(await always(revoked, client)).toBe(401);
  expect(await never(revoked, client)).toBe(200);
});

test("a JWT that lacks claims is accepted where it is introspected, from its client only", async () => {
  const [introspecting, verifying] = [await startApi(protectIntrospectingJwts()), await startApi(protectAsking())];
  const lightweight = await kit.accessToken({ claims: { aud: undefined, scope: undefined } });
  issuer.introspectAs(lightweight, {
    active: true,
    aud: issuer.audience,
    cnf: { "x5t#S256": client.thumbprint },
  });
  expect(await introspecting(lightweight, client)).toBe(200);
  expect(await introspecting(lightweight, thief)).toBe(401);
  expect(await verifying(lightweight, client)).toBe(401);
});

test("a fleet asks once, and compares the certificate at every request", async () => {
  const cache = new Keyv();
  const [one, another, stranger] = [
    await startApi(protectFleet(cache)),
    await startApi(protectFleet(cache)),
    await startApi(protectAsking()),
  ];
  const token = await issuer.opaqueToken({ boundTo: client });
  const before = questions();
  expect([await one(token, client), await another(token, client), await another(token, thief)]).toEqual([
    200, 200, 401,
  ]);
  expect(questions() - before).toBe(1);
  expect(await stranger(token, client)).toBe(200);
  expect(questions() - before).toBe(2);
});

/** An issuer that knows its client by the certificate. */
const guarded = createServer({ ...kit.serverOptions, rejectUnauthorized: true }, (request, response) => {
  const { subject } = (request.socket as TLSSocket).getPeerX509Certificate() ?? {};
  const isQuestion = request.method === "POST";
  const metadata = { issuer: guardedUrl, introspection_endpoint: `${guardedUrl}/introspect` };
  const answer = { active: true, aud: issuer.audience, cnf: { "x5t#S256": client.thumbprint } };
  const status = isQuestion && subject !== "CN=accounts-api" ? 401 : 200;
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(isQuestion ? answer : metadata));
});
const { url: guardedUrl } = await kit.startServer(guarded);
vi.stubEnv("ISSUER", guardedUrl);
const { protectPresenting } = await import("./opaque-tokens-tls.ts");

test.each<[string, Identity, Identity, number]>([
  ["the issuer answers the API", api, client, 200],
  ["which rejects another client", api, thief, 401],
  ["the issuer answers no other API", otherApi, client, 503],
])("over mutual TLS %s", async (_case, { certificate: cert, key }, sender, expected) => {
  const { protect, agent } = protectPresenting({ cert, key, ca: kit.ca.certificate });
  const status = await startApi(protect);
  expect(await status("opaque", sender)).toBe(expected);
  await agent.destroy();
});
